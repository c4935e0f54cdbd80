"""What ``landed.yaml`` says of services that answer in JSON."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from verifier.checks.model import Duration


def _usable(secret: SecretStr) -> SecretStr:
    # It takes long to load, and only where a service is declared it is needed.
    import httpx

    try:
        url = httpx.URL(secret.get_secret_value())
    except (httpx.InvalidURL, ValueError):
        raise ValueError("expected a URL such as https://partner.example/api") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("expected a URL such as https://partner.example/api")
    if url.query or url.fragment:
        raise ValueError("expected no parameters after '?': a check has its own")
    return secret


class HttpStoreConfig(BaseModel):
    """A service that checks ask."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    type: Literal["http"]
    url: Annotated[
        SecretStr,
        AfterValidator(_usable),
        Field(description="The address that all paths are below."),
    ]
    headers: Annotated[
        dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")], SecretStr],
        Field(description="Sent with every question, such as `Authorization`."),
    ] = Field(default_factory=dict)
    timeout: Annotated[
        Duration,
        Field(
            description="The longest that one question may take, with all its pages and retries."
        ),
    ] = timedelta(seconds=30)
    max_bytes: Annotated[
        int,
        Field(ge=1, description="The largest answer that is read, in bytes, all pages together."),
    ] = 32 * 1024 * 1024
    max_concurrency: Annotated[
        int, Field(ge=1, le=100, description="How many runs may be asked about at a time.")
    ] = 4
