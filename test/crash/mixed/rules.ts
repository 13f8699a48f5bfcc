/**
 * What the history is held to, rule by rule. A call that was not answered may have been carried out or not: a rule
 * is broken only when neither explains what was seen.
 */
import {
  type Acknowledgement,
  type Call,
  type Delivery,
  type History,
  isOk,
  type LostReceive,
  mayBeDone,
  type Story,
} from './history';
import { outOfOrder } from './order';

/** A question about a transaction may be on its way while it ends, ms. */
const CHECK_ON_ITS_WAY_MS = 10_000;
/** Violations of a rule that are told, at most. */
const TOLD = 20;

type Rule = (history: History) => readonly string[];
type StoryRule = (story: Story, history: History) => readonly string[];

const each =
  (rule: StoryRule): Rule =>
  (history) =>
    [...history.stories.values()].flatMap((story) => rule(story, history));

export const rules = {
  'made up': ({ strangers }) => strangers,
  lost: each(lost),
  'stored twice': each(storedTwice),
  'out of order in its group': outOfOrder,
  'delivered again after an answered acknowledgement': each(acknowledgedAgain),
  'attempts counted wrong': each(miscounted),
  'acknowledgement refused in time': each(refusedInTime),
  'half seen': each(halfSeen),
  'rolled back seen': each(rolledBackSeen),
  'decision not kept': each(decisionNotKept),
  early: each(early),
  'recalled and delivered': each(recalledSeen),
  'recall refused': each(recallRefused),
} satisfies Readonly<Record<string, Rule>>;

export type RuleName = keyof typeof rules;

/** What broke which rule; empty when all held. Ask once everything is drained. */
export function judge(history: History): Readonly<Partial<Record<RuleName, readonly string[]>>> {
  const broken: Partial<Record<RuleName, readonly string[]>> = {};
  for (const [name, rule] of Object.entries(rules) as [RuleName, Rule][]) {
    const found = rule(history);
    if (found.length > 0) broken[name] = found.slice(0, TOLD);
  }
  return broken;
}

/** Whether everything that must still come has come. */
export function isDrained(history: History): boolean {
  for (const story of history.stories.values()) if (lost(story).length > 0) return false;
  return true;
}

/** What was answered OK must come, until it is acknowledged or a dead letter. */
function lost(story: Story): readonly string[] {
  const { messageId, kind, sends, recalls, ends, deliveries, deadLetters } = story;
  if (deadLetters.length > 0) return [];
  if (deliveries.length > 0) {
    if (mayBeDone(story.acknowledgements)) return [];
    return [`${messageId} came ${deliveries.length} times, and no more, without acknowledgement`];
  }
  if (kind === 'transaction') {
    // An end without an answer may be carried out later: then one that came before the send was taken is refused.
    if (isOk(sends) && !mayBeDone(ends)) {
      return [`${messageId} has not ended: its producer was asked ${story.checks.length} times`];
    }
    const committed = isOk(ends) && story.resolution === 'COMMIT';
    return committed ? [`${messageId} was committed, and never came`] : [];
  }
  return isOk(sends) && !mayBeDone(recalls) ? [`${messageId} never came`] : [];
}

/** A send is repeated with the same id, and a delayed message becomes a message once. */
function storedTwice({ messageId, deliveries, deadLetters }: Story): readonly string[] {
  return [deliveries, deadLetters].flatMap((all) => {
    const places = [...new Set(all.map(({ place }) => place))];
    return places.length > 1 ? [`${messageId} came from ${places.join(' and ')}`] : [];
  });
}

/**
 * An answer can be overtaken on its way by an earlier delivery: so only a receive that was called after the
 * acknowledgement was answered counts, or a later attempt of the same master than all acknowledged ones. A dead letter
 * counts always.
 */
function acknowledgedAgain(story: Story, history: History): readonly string[] {
  const { messageId, acknowledgements, deliveries, deadLetters } = story;
  const answered = acknowledgements.filter(({ outcome }) => outcome === 'ok');
  if (answered.length === 0) return [];
  const endedMs = Math.min(...answered.map(({ endedMs: ms }) => ms));
  const attempts = acknowledgements
    .filter((call) => mayBeDone([call]))
    .map(({ delivery }) => delivery.attempt);
  const acknowledged = Math.max(...attempts);
  const again = deliveries.filter(
    ({ askedMs, attempt }) =>
      askedMs > endedMs ||
      (attempt > acknowledged && !mayBeForgotten(history, story, askedMs, endedMs)),
  );
  return [
    ...again.map(({ attempt, askedMs }) => {
      const afterMs = Math.round(askedMs - endedMs);
      return `${messageId} came with attempt ${attempt}, by a receive ${afterMs} ms after attempt ${acknowledged} was acknowledged`;
    }),
    ...deadLetters.map(() => `${messageId} was acknowledged, and is a dead letter`),
  ];
}

/**
 * Attempts go up by one with each delivery, from 1 to the group's maximum; a dead letter had them all. Where one
 * is missing, a receive was lost that may have had it, or a broker during one that its proxy asked again. The same
 * handle again is the same delivery.
 */
function miscounted(story: Story, history: History): readonly string[] {
  const { messageId, deadLetters } = story;
  const { maxAttempts } = history.terms;
  const found: string[] = [];
  const seen = firstOfEach(history, story);
  let before: Delivery | undefined;
  for (const delivery of seen) {
    const { attempt } = delivery;
    const told = `${messageId} came with attempt ${attempt}`;
    if (attempt < 1 || attempt > maxAttempts) found.push(`${told}, of 1 .. ${maxAttempts}`);
    if (before !== undefined && !mayBeForgotten(history, story, before.askedMs, delivery.seenMs)) {
      if (before.attempt === attempt) {
        found.push(`${told} twice, ${Math.round(delivery.seenMs - before.seenMs)} ms apart`);
      } else if (delivery.seenMs < before.askedMs) {
        found.push(`${told} before a receive asked for attempt ${before.attempt}`);
      }
    }
    const missing = attempt - (before?.attempt ?? 0) - 1;
    const lostReceives = receivesLost(history, story, before?.askedMs ?? 0, delivery.seenMs);
    if (missing > lostReceives) {
      found.push(
        `${told} after ${before?.attempt ?? 0}, with ${lostReceives} receives lost between`,
      );
    }
    before = delivery;
  }
  for (const { seenMs } of deadLetters) {
    const missing = maxAttempts - (before?.attempt ?? 0);
    const lostReceives = receivesLost(history, story, before?.askedMs ?? 0, seenMs);
    if (missing > lostReceives) {
      found.push(
        `${messageId} is a dead letter after attempt ${before?.attempt ?? 0} of ${maxAttempts}, with ${lostReceives} receives lost after it`,
      );
    }
  }
  return found;
}

/** Receives, but those of FIFO groups, do not wait for replicas: the next master need not know of a delivery. */
function mayBeForgotten(
  { masterChangesMs }: History,
  { kind }: Story,
  fromMs: number,
  toMs: number,
): boolean {
  return kind !== 'fifo' && masterChangesMs.some((ms) => ms >= fromMs && ms <= toMs);
}

/** By attempt, where masters may forget also by master; of deliveries with the same handle the first one. */
function firstOfEach(
  { masterChangesMs }: History,
  { kind, deliveries }: Story,
): readonly Delivery[] {
  const masterOf = ({ seenMs }: Delivery): number =>
    kind === 'fifo' ? 0 : masterChangesMs.filter((ms) => ms <= seenMs).length;
  const byHandle = new Map<string, Delivery>();
  for (const delivery of deliveries) {
    if (!byHandle.has(delivery.receiptHandle)) byHandle.set(delivery.receiptHandle, delivery);
  }
  return [...byHandle.values()].sort(
    (a, b) => masterOf(a) - masterOf(b) || a.attempt - b.attempt || a.seenMs - b.seenMs,
  );
}

function receivesLost(history: History, { kind }: Story, fromMs: number, toMs: number): number {
  const { lostReceives, answeredReceives, brokersLostMs, masterChangesMs, cuts } = history;
  const losses = [...brokersLostMs, ...masterChangesMs].map((ms) => ({ fromMs: ms, toMs: ms }));
  const between = (one: LostReceive): boolean =>
    one.kind === kind && one.toMs >= fromMs && one.fromMs <= toMs;
  const hidden = (one: LostReceive): boolean =>
    between(one) &&
    [...losses, ...cuts].some((loss) => loss.toMs >= one.fromMs && loss.fromMs <= one.toMs);
  return lostReceives.filter(between).length + answeredReceives.filter(hidden).length;
}

/**
 * A delivery's invisible time begins after its receive was called, so until then its handle is good, unless the next
 * master, which did not know of that delivery, has given the message out again.
 */
function refusedInTime(story: Story, history: History): readonly string[] {
  const early = ({ outcome, endedMs, delivery }: Acknowledgement): boolean =>
    outcome === 'refused' && endedMs < delivery.askedMs + history.terms.invisibleMs;
  const forgotten = ({ text, endedMs, delivery }: Acknowledgement): boolean =>
    text.includes('superseded') && mayBeForgotten(history, story, delivery.askedMs, endedMs);
  return story.acknowledgements
    .filter((call) => early(call) && !forgotten(call))
    .map(({ delivery, text }) => `${story.messageId}, attempt ${delivery.attempt}: ${text}`);
}

/** A half message is seen only after its producer began to commit it. */
function halfSeen({ messageId, kind, resolution, ends, deliveries }: Story): readonly string[] {
  if (kind !== 'transaction' || resolution !== 'COMMIT') return [];
  const committedMs = Math.min(Infinity, ...ends.map(({ askedMs }) => askedMs));
  return deliveries
    .filter(({ seenMs }) => seenMs < committedMs)
    .map(() => `${messageId} came before its producer committed it`);
}

function rolledBackSeen({ messageId, kind, resolution, deliveries }: Story): readonly string[] {
  if (kind !== 'transaction' || resolution !== 'ROLLBACK') return [];
  return deliveries.map(() => `${messageId} came, and its producer rolls it back`);
}

/** The first decision counts: the same again is answered OK, the opposite one is not, and nobody asks again. */
function decisionNotKept(story: Story): readonly string[] {
  const { messageId, sends, ends, oppositeEnds, checks } = story;
  const found: string[] = [];
  const sentMs = Math.min(Infinity, ...sends.filter((send) => isOk([send])).map(endOf));
  for (const { outcome, text, askedMs } of ends) {
    // A half message of which nothing was answered may be kept or not.
    if (outcome !== 'refused' || askedMs < sentMs) continue;
    found.push(`${messageId} cannot be ended: ${text}`);
  }
  if (!isOk(ends)) return found;
  if (isOk(oppositeEnds)) found.push(`${messageId} was ended, and then the opposite taken`);
  const endedMs = Math.min(...ends.filter((end) => isOk([end])).map(endOf));
  for (const checkedMs of checks) {
    const afterMs = Math.round(checkedMs - endedMs);
    if (afterMs > CHECK_ON_ITS_WAY_MS) {
      found.push(`${messageId} was asked about ${afterMs} ms after its end was answered`);
    }
  }
  return found;
}

function endOf({ endedMs }: Call): number {
  return endedMs;
}

function early({ messageId, kind, dueMs, deliveries }: Story): readonly string[] {
  if (kind !== 'delay') return [];
  return deliveries
    .filter(({ seenWallMs }) => seenWallMs < dueMs)
    .map(({ seenWallMs }) => `${messageId} came ${dueMs - seenWallMs} ms before its time`);
}

function recalledSeen({ messageId, recalls, deliveries }: Story): readonly string[] {
  if (!isOk(recalls)) return [];
  return deliveries.map(() => `${messageId} was recalled, and came`);
}

/** A recall of what was sent is refused only since it was delivered: then it must come (see `lost`). */
function recallRefused({ messageId, sends, recalls }: Story): readonly string[] {
  if (!isOk(sends)) return [];
  return recalls
    .filter(({ outcome, text }) => outcome === 'refused' && !/delivered/.test(text))
    .map(({ text }) => `${messageId}: ${text}`);
}
