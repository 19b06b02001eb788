/**
 * A seller's journey with the npm package amazon-sp-api; prints as JSON what it was answered.
 *
 *     node peers/amazon_sp_api.mjs < task.json
 *
 * Task and facts are those of test_journey.py. The client takes no base URL. It is led to the local Amazon by its own
 * option for a proxy, with the agent that its documentation shows, and trusts it by NODE_EXTRA_CA_CERTS.
 */
import { readFileSync } from "node:fs";
import { HttpsProxyAgent } from "hpagent";
import SellingPartner from "amazon-sp-api";

const MOST_POLLS = 9;
const JSON_FEED = "application/json; charset=UTF-8";

const task = JSON.parse(readFileSync(0, "utf8"));
const { region } = task;
const shops = [task.marketplace];
const agent = new HttpsProxyAgent({ proxy: process.env.HTTPS_PROXY });
const credentials = {
  SELLING_PARTNER_APP_CLIENT_ID: task.client_id,
  SELLING_PARTNER_APP_CLIENT_SECRET: task.client_secret,
};

/** Exchanges the owner's code, and returns a client for the refresh token that came. */
async function exchange(code) {
  const options = { https_proxy_agent: agent };
  const visitor = new SellingPartner({
    region,
    credentials,
    options: { ...options, only_grantless_operations: true },
  });
  const { refresh_token } = await visitor.exchange(code);
  return new SellingPartner({ region, refresh_token, credentials, options });
}

/** Fetches page after page; `next` returns the query of the one after a page, or nothing. */
async function pages(sp, operation, query, next, version) {
  const found = [];
  for (let more = {}; more; more = next(found.at(-1))) {
    found.push(await sp.callAPI({ operation, query: { ...query, ...more }, options: { version } }));
  }
  return found;
}

/** Polls a report or a feed; returns the statuses that it had, and what it is in the end. */
async function ended(sp, operation, path) {
  const statuses = [];
  while (statuses.length < MOST_POLLS) {
    // the client encodes the path that it is given in place
    const job = await sp.callAPI({ operation, path: { ...path } });
    statuses.push(job.processingStatus);
    if (!["IN_QUEUE", "IN_PROGRESS"].includes(job.processingStatus)) return { statuses, job };
  }
  throw new Error(`${operation} is still ${statuses.at(-1)}`);
}

/** Asks to be told in a queue of the ends of reports. */
async function notifications(sp) {
  const path = { notificationType: "REPORT_PROCESSING_FINISHED" };
  const { destinationId } = await sp.callAPI({
    operation: "notifications.createDestination",
    body: { name: "peers", resourceSpecification: { sqs: { arn: task.queue } } },
  });
  const made = await sp.callAPI({
    operation: "notifications.createSubscription",
    path: { ...path },
    body: { payloadVersion: "1.0", destinationId },
  });
  const kept = await sp.callAPI({ operation: "notifications.getSubscription", path: { ...path } });
  return { destination: destinationId, made: made.subscriptionId, kept };
}

/** Lists the orders in both versions. */
async function orders(sp) {
  const v0 = await pages(
    sp,
    "orders.getOrders",
    { MarketplaceIds: shops, CreatedAfter: task.since, MaxResultsPerPage: 50 },
    (page) => page.NextToken && { NextToken: page.NextToken },
    "v0",
  );
  const newer = await pages(
    sp,
    "orders.searchOrders",
    { marketplaceIds: shops, createdAfter: task.since, maxResultsPerPage: 50 },
    (page) => page.pagination?.nextToken && { paginationToken: page.pagination.nextToken },
    "2026-01-01",
  );
  return {
    pages: v0.map((page) => page.Orders),
    pages_2026: newer.map((page) => page.orders.map((one) => one.orderId)),
  };
}

/** Asks for personal data of an order, without and with a token for it, and with that token for another order's. */
async function restricted(sp, order, other) {
  const path = `/orders/v0/orders/${order}`;
  const { restrictedDataToken } = await sp.callAPI({
    operation: "tokens.createRestrictedDataToken",
    body: {
      restrictedResources: [
        { method: "GET", path, dataElements: ["buyerInfo", "shippingAddress"] },
        { method: "GET", path: `${path}/address` },
      ],
    },
  });
  const ask = (operation, orderId, token) =>
    sp.callAPI({ operation, path: { orderId }, options: { version: "v0" }, restricted_data_token: token });
  return {
    plain: await ask("orders.getOrder", order),
    order: await ask("orders.getOrder", order, restrictedDataToken),
    address: await ask("orders.getOrderAddress", order, restrictedDataToken),
    other: await ask("orders.getOrderAddress", other, restrictedDataToken).catch((error) => error.code),
  };
}

/** Asks for the report of all orders, waits for it, and reads it. */
async function report(sp) {
  const { reportId } = await sp.callAPI({
    operation: "reports.createReport",
    body: {
      reportType: "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL",
      marketplaceIds: shops,
      dataStartTime: task.report_since,
    },
  });
  const { statuses, job } = await ended(sp, "reports.getReport", { reportId });
  const document = await sp.callAPI({
    operation: "reports.getReportDocument",
    path: { reportDocumentId: job.reportDocumentId },
  });
  return { id: reportId, statuses, packed: document.compressionAlgorithm, text: await sp.download(document) };
}

/** Searches items by keywords, and asks for one by its ASIN. */
async function catalog(sp, asin, keywords) {
  const query = { marketplaceIds: shops, includedData: ["summaries"] };
  const options = { version: "2022-04-01" };
  const found = await sp.callAPI({
    operation: "catalogItems.searchCatalogItems",
    query: { ...query, keywords },
    options,
  });
  const item = await sp.callAPI({ operation: "catalogItems.getCatalogItem", path: { asin }, query, options });
  return { found: found.items.map((one) => one.asin), item };
}

/** Reads a listing, patches its price, feeds its quantity, and reads it again after each. */
async function listing(sp, sku) {
  const path = { sellerId: task.seller, sku };
  const options = { version: "2021-08-01" };
  const read = () =>
    sp.callAPI({
      operation: "listingsItems.getListingsItem",
      path: { ...path },
      query: { marketplaceIds: shops, includedData: ["summaries", "offers", "fulfillmentAvailability"] },
      options,
    });
  const before = await read();
  const { productType } = before.summaries[0];
  const patched = await sp.callAPI({
    operation: "listingsItems.patchListingsItem",
    path: { ...path },
    query: { marketplaceIds: shops },
    body: { productType, patches: [task.patch] },
    options,
  });
  const between = await read();
  const fed = await feed(sp, { sku, productType, ...task.message });
  return { before, patched, between, feed: fed, after: await read() };
}

/** Uploads a feed of one message, waits for it, and reads its processing report. */
async function feed(sp, message) {
  const content = JSON.stringify({ header: { sellerId: task.seller, version: "2.0" }, messages: [message] });
  const document = await sp.callAPI({
    operation: "feeds.createFeedDocument",
    body: { contentType: JSON_FEED },
  });
  await sp.upload(document, { content, contentType: JSON_FEED });
  const { feedId } = await sp.callAPI({
    operation: "feeds.createFeed",
    body: {
      feedType: "JSON_LISTINGS_FEED",
      marketplaceIds: shops,
      inputFeedDocumentId: document.feedDocumentId,
    },
  });
  const { statuses, job } = await ended(sp, "feeds.getFeed", { feedId });
  const result = await sp.callAPI({
    operation: "feeds.getFeedDocument",
    path: { feedDocumentId: job.resultFeedDocumentId },
  });
  return { id: feedId, statuses, report: JSON.parse(await sp.download(result)) };
}

/** Lists what was posted, in both versions. */
async function finances(sp) {
  const events = await pages(
    sp,
    "finances.listFinancialEvents",
    { PostedAfter: task.since, MaxResultsPerPage: 40 },
    (page) => page.NextToken && { NextToken: page.NextToken },
    "v0",
  );
  const transactions = await pages(
    sp,
    "finances.listTransactions",
    { postedAfter: task.since },
    (page) => page.nextToken && { nextToken: page.nextToken },
    "2024-06-19",
  );
  return {
    events: events.map((page) => page.FinancialEvents),
    transactions: transactions.flatMap((page) => page.transactions),
  };
}

/** Goes all the way. */
async function journey() {
  const sp = await exchange(task.code);
  const told = await notifications(sp);
  const listed = await orders(sp);
  const every = listed.pages.flat();
  const sold = every.findLast((one) => one.OrderStatus === "Shipped" && one.FulfillmentChannel === "MFN");
  const other = every.find((one) => one !== sold);
  const { OrderItems: lines } = await sp.callAPI({
    operation: "orders.getOrderItems",
    path: { orderId: sold.AmazonOrderId },
    options: { version: "v0" },
  });
  return {
    by_hand: [],
    order: sold,
    line: lines[0],
    notifications: told,
    orders: listed,
    restricted: await restricted(sp, sold.AmazonOrderId, other.AmazonOrderId),
    report: await report(sp),
    catalog: await catalog(sp, lines[0].ASIN, lines[0].Title.replaceAll(",", "").split(/\s+/)),
    listing: await listing(sp, lines[0].SellerSKU),
    finances: await finances(sp),
  };
}

process.stdout.write(JSON.stringify(await journey()));
