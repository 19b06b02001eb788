/**
 * Warehouse software, as the gateway's contract has it: it lets a seller authorize, and claims what that came to.
 *
 * Reads a task from standard input: `address` of the gateway, `tenant_id` and `refresh_token` of the tenant, `redirect`
 * to which browsers come back, and `seller`, the account whose owner decides. Prints what it was answered.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";

const task = JSON.parse(readFileSync(0, "utf8"));

/** Sends JSON to the gateway, and returns the data of its answer. */
async function post(path, body, headers = {}) {
  const response = await fetch(`${task.address}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!answer.success) throw new Error(answer.error?.message ?? `HTTP ${response.status}`);
  return answer.data;
}

/** Returns the message with which something is refused. */
const refusal = (promise) =>
  promise.then(
    () => null,
    (error) => error.message,
  );

/** Step 1: makes the address to which the seller's browser is sent; state and secret stay with the warehouse. */
function begin() {
  const state = `${randomUUID()} ü&%`;
  const secret = randomBytes(32).toString("base64");
  const url = new URL("/auth/initialize", task.address);
  url.search = new URLSearchParams({
    state,
    tenantId: task.tenant_id,
    marketplace_region: "us-east-1",
    amazonTokenSecret: secret,
    sellerRedirectUrl: task.redirect,
  });
  return { state, secret, url: url.href };
}

/** The seller's browser, whose owner decides at Amazon; returns the address of the warehouse that it ends at. */
async function browse(url, decision) {
  const cookies = new Map();
  const form = new URLSearchParams({ decision, selling_partner_id: task.seller });
  for (let next = url; ; ) {
    if (next.startsWith(task.redirect)) return next;
    const atAmazon = new URL(next).pathname.endsWith("/apps/authorize/consent");
    const response = await fetch(next, {
      redirect: "manual",
      headers: { accept: "text/html,*/*;q=0.8", cookie: [...cookies].map((pair) => pair.join("=")).join("; ") },
      ...(atAmazon && { method: "POST", body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      cookies.set(name, value);
    }
    if (response.status !== 302) throw new Error(`${response.status} at ${next}: ${await response.text()}`);
    next = new URL(response.headers.get("location"), next).href;
  }
}

/** Step 2: reads what the browser brings back, if the state is the warehouse's own. */
function receive(url, state) {
  const brought = Object.fromEntries(new URL(url).searchParams);
  if (brought.state !== state) throw new Error(`another state: ${brought.state}`);
  return brought;
}

/** Step 3: exchanges the claim code for the seller's refresh token. */
function claim(brought, token) {
  const { seller_id, code } = brought;
  const callback_url = "https://wms.example.com/webhooks";
  return post("/api/claim-code", { seller_id, name: "Node", callback_url, code }, { "x-adb-access-token": token });
}

const { tenant_id, refresh_token } = task;
const { access_token: token } = await post("/api/get-adb-access-token", { tenant_id, refresh_token });

const started = begin();
const brought = receive(await browse(started.url, "approve"), started.state);
const claimed = await claim(brought, token);
const again = await refusal(claim(brought, token));
const seller = await post(
  "/api/get-seller-access-token",
  { seller_id: brought.seller_id, refresh_token: claimed.refresh_token },
  { "x-adb-access-token": token },
);
const tested = await post(
  `/api/sellers/${brought.seller_id}/test`,
  {},
  { "x-adb-access-token": token, "x-amazon-token-secret": started.secret },
);
const other = begin();
const denied = receive(await browse(other.url, "deny"), other.state);

process.stdout.write(JSON.stringify({ brought, claimed, again, seller, tested, denied }));
