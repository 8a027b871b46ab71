"""A passkey as it lies in the registry after it was made; nobody holds its private key."""

import hashlib
import secrets

from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)


def keep(account):
    """Let an account have a passkey."""
    flags = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV | AuthenticatorData.FLAG.AT
    public = ES256.from_cryptography_key(ec.generate_private_key(ec.SECP256R1()).public_key())
    name = secrets.token_bytes(16)
    held = AttestedCredentialData.create(Aaguid(bytes(16)), name, public)
    told = AuthenticatorData.create(hashlib.sha256(b"testserver").digest(), flags, 0, held)
    attested = AttestationObject.create("none", told, {})
    client = CollectedClientData.create("webauthn.create", b"challenge", "https://testserver")
    credential = {
        "id": websafe_encode(name),
        "rawId": websafe_encode(name),
        "type": "public-key",
        "response": {
            "clientDataJSON": websafe_encode(client),
            "attestationObject": websafe_encode(attested),
        },
        "clientExtensionResults": {},
    }
    return Authenticator.objects.create(
        user=account,
        type=Authenticator.Type.WEBAUTHN,
        data={"name": "my telephone", "credential": credential},
    )
