// Passkeys: turns what the node asks into bytes and the answer back; each page with such a form
// offers another way, so it is complete without this.
(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (all) => (all || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const options = (asked) => {
    const made = { ...asked, challenge: bytes(asked.challenge) };
    if (asked.user) {
      made.user = { ...asked.user, id: bytes(asked.user.id) };
      // Kept with the account's name, and opened by its owner alone: it signs in by itself.
      const kept = { residentKey: "required", requireResidentKey: true, userVerification: "required" };
      made.authenticatorSelection = { ...asked.authenticatorSelection, ...kept };
    }
    if (asked.excludeCredentials) made.excludeCredentials = listed(asked.excludeCredentials);
    if (asked.allowCredentials) made.allowCredentials = listed(asked.allowCredentials);
    return made;
  };
  const answer = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  };
  const asked = async (form) => {
    if (form.dataset.options) return JSON.parse(form.dataset.options).publicKey;
    const reply = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!reply.ok) throw new Error(reply.statusText);
    return (await reply.json()).request_options.publicKey;
  };
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const failed = form.querySelector("[data-failed]");
    for (const one of form.querySelectorAll("[data-without]")) one.hidden = true;
    for (const one of form.querySelectorAll("[data-with]")) one.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      failed.hidden = true;
      try {
        const publicKey = options(await asked(form));
        const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
        form.elements.credential.value = answer(credential);
        form.submit();
      } catch {
        failed.hidden = false;
      }
    });
  }
})();
