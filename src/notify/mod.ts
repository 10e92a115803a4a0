/** Notifiers: telling people outside about refusals, failures and publications. */
export { deliverDue, type DeliveryReport, type NotifyDeps } from './deliver.ts';
export type { HttpAnswer, HttpBounds, HttpRequest, ReadSecret, SendHttp } from './ports.ts';
export { giveUpGone, listUnheard, type Unheard } from './store.ts';
