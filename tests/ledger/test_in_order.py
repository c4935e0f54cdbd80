"""Whose turn it is to write a file."""

from threading import Barrier, Event, Thread
from time import sleep

from verifier.ledger.in_order import InOrder

PATIENCE = 60


def test_one_has_it_at_a_time():
    lock, begin, counted = InOrder(), Barrier(8), [0]

    def count() -> None:
        begin.wait(PATIENCE)
        for _ in range(500):
            assert lock.acquire(PATIENCE)
            read = counted[0]
            sleep(0)  # whoever were let in beside us would read the same
            counted[0] = read + 1
            lock.release()

    threads = [Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == [8 * 500]


def test_who_lets_go_of_it_and_wants_it_again_is_the_last_in_the_row():
    lock, had = InOrder(), []
    assert lock.acquire(0)
    threads = []
    for number in range(3):

        def wait(number: int = number) -> None:
            assert lock.acquire(PATIENCE)
            had.append(number)
            lock.release()

        threads.append(Thread(target=wait))
        threads[-1].start()
        while len(lock._waiting) <= number:
            pass
    lock.release()
    assert lock.acquire(PATIENCE)
    had.append("again")
    lock.release()
    for thread in threads:
        thread.join()
    assert had == [0, 1, 2, "again"]


def test_who_gave_up_waiting_is_passed_over():
    lock, tried = InOrder(), Event()
    assert lock.acquire(0)

    def give_up() -> None:
        assert not lock.acquire(0.01)
        tried.set()

    Thread(target=give_up).start()
    assert tried.wait(PATIENCE)
    lock.release()
    assert lock.acquire(0)
