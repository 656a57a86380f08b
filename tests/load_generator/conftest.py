"""What several tests of the load generator use."""

from dataclasses import dataclass

import pytest
import trustme


@dataclass(frozen=True)
class Certificate:
    """For a server at 127.0.0.1; all PEM.

    Attributes:
        chain: Its certificate.
        key: Its private key.
        authority: The certificate of whom to trust.
    """

    chain: bytes
    key: bytes
    authority: bytes


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    return Certificate(
        chain=b"".join(blob.bytes() for blob in issued.cert_chain_pems),
        key=issued.private_key_pem.bytes(),
        authority=authority.cert_pem.bytes(),
    )
