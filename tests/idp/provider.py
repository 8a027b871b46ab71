"""Runs the provider: `python -m tests.idp.provider PORT CALLBACK ADDRESS[:unverified]...`."""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.idp.settings"
CLIENT, SECRET, PASSWORD = "kevre-node", "secret-of-the-node", "a-password-of-the-town"


def main(port, callback, *people):
    import django

    django.setup()
    from allauth.account.models import EmailAddress
    from allauth.idp.oidc.models import Client
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    client = Client(id=CLIENT, name="Kevre", skip_consent=True)
    client.set_secret(SECRET)
    client.set_scopes(["openid", "profile", "email"])
    client.set_redirect_uris([callback])
    client.save()
    for number, person in enumerate(people):
        address, _, state = person.partition(":")
        user = User.objects.create_user(f"person{number}", address, PASSWORD)
        EmailAddress.objects.create(user=user, email=address, verified=not state, primary=True)
    call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, use_threading=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
