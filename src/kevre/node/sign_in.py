"""How people sign in: password, passkey, mailed code, and the OpenID Connect of towns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kevre.model.errors import Malformed

_KNOWN = ("id", "name", "server_url", "client_id", "secret", "domains")


@dataclass(frozen=True, slots=True)
class Town:
    """One provider of OpenID Connect, `[[oidc]]` in the configuration.

    Attributes:
        id: a short name, part of the address to which the provider sends people back.
        name: as it stands on the button.
        server_url: the provider's address, below which `.well-known/openid-configuration` lies.
        client_id: by which the provider knows this node.
        secret: of this node at the provider.
        domains: of the e-mail addresses for which the provider is believed; for no other.
    """

    id: str
    name: str
    server_url: str
    client_id: str
    secret: str = field(repr=False)
    domains: tuple[str, ...]


def towns(entries: object) -> tuple[Town, ...]:
    """Read the providers of towns.

    Raises:
        Malformed: one of them lacks something, or has something that is not known.
    """
    if entries is None:
        return ()
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise Malformed("config.oidc", "oidc is a list of tables, [[oidc]]", where="kevre.toml")
    return tuple(_town(one) for one in entries)


def _town(entry: dict[str, object]) -> Town:
    domains = entry.get("domains")
    if sorted(entry) != sorted(_KNOWN) or not isinstance(domains, list) or not domains:
        raise Malformed(
            "config.oidc",
            "a table of oidc is not whole",
            where="kevre.toml",
            hint=f"each has {', '.join(_KNOWN)}; domains is a list",
        )
    texts = {name: str(entry[name]) for name in _KNOWN if name != "domains"}
    return Town(**texts, domains=tuple(str(one).lower() for one in domains))


def settings(known: Sequence[Town], *, is_secure: bool) -> dict[str, object]:
    """Give the settings of signing in."""
    return _PASSWORDS | _CODES | _passkeys(is_secure=is_secure) | _towns(known) | _APPLICATIONS


_PASSWORDS: dict[str, object] = {
    "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
    "ACCOUNT_LOGIN_METHODS": {"email"},
    "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*", "password2*"],
    "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
    "ACCOUNT_PREVENT_ENUMERATION": True,
    "ACCOUNT_EMAIL_NOTIFICATIONS": True,
    "ACCOUNT_SESSION_REMEMBER": True,
    "ACCOUNT_ADAPTER": "kevre.web.account.Adapter",
    "ACCOUNT_CHANGE_EMAIL": True,
    # Counted for the address that is typed, whether or not it has an account.
    "ACCOUNT_RATE_LIMITS": {"login_failed": "30/m/ip,5/300s/key"},
    "AUTH_PASSWORD_VALIDATORS": [
        {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
        {
            "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
            "OPTIONS": {"min_length": 10},
        },
        {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
        {"NAME": "kevre.rights.password.StrengthValidator"},
    ],
}
_CODES: dict[str, object] = {
    "ACCOUNT_LOGIN_BY_CODE_ENABLED": True,
    "ACCOUNT_LOGIN_BY_CODE_TIMEOUT": 600,
    "ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED": True,
    # A session that was left open changes no way to sign in.
    "ACCOUNT_REAUTHENTICATION_REQUIRED": True,
}
_APPLICATIONS: dict[str, object] = {
    "IDP_OIDC_ADAPTER": "kevre.api.oauth.Adapter",
    "IDP_OIDC_INTROSPECTION_ENABLED": True,
    "IDP_OIDC_ACCESS_TOKEN_FORMAT": "opaque",
    "IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN": 3_600,
    "IDP_OIDC_ROTATE_REFRESH_TOKEN": True,
    # An application that is not used for so long asks the person again.
    "IDP_OIDC_REFRESH_TOKEN_EXPIRES_IN": 90 * 86_400,
}


def _passkeys(*, is_secure: bool) -> dict[str, object]:
    return {
        "MFA_SUPPORTED_TYPES": ["webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_WEBAUTHN_USER_VERIFICATION": "preferred",
        # Browsers take http on one's own machine for secure: the demo can be tried there.
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": not is_secure,
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
    }


def _towns(known: Sequence[Town]) -> dict[str, object]:
    return {
        "SOCIALACCOUNT_ADAPTER": "kevre.web.town.Adapter",
        "SOCIALACCOUNT_ONLY": False,
        # A link: a form that leads elsewhere would not fit the content security policy.
        "SOCIALACCOUNT_LOGIN_ON_GET": True,
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": True,
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT": True,
        "SOCIALACCOUNT_STORE_TOKENS": False,
        "SOCIALACCOUNT_PROVIDERS": {
            "openid_connect": {
                "OAUTH_PKCE_ENABLED": True,
                "APPS": [
                    {
                        "provider_id": one.id,
                        "name": one.name,
                        "client_id": one.client_id,
                        "secret": one.secret,
                        "settings": {"server_url": one.server_url, "domains": list(one.domains)},
                    }
                    for one in known
                ],
            }
        },
    }
