import { bodyOf, type Delivery, History } from './history';

const delivery = (messageId: string, more: Partial<Delivery> = {}): Delivery => ({
  messageId,
  body: bodyOf(messageId),
  attempt: 1,
  askedMs: 0,
  ...more,
});

function sent(messageId: string): History {
  const history = new History();
  history.sendMade(messageId);
  history.sendAnsweredOk(messageId);
  return history;
}

describe('the checker', () => {
  it('misses a message whose send was answered until it is delivered', () => {
    const history = sent('a');
    expect(history.missing()).toEqual(['a']);
    history.deliver(delivery('a'));
    expect(history.missing()).toEqual([]);
    expect(history.violations).toEqual([]);
  });

  it('does not miss a message whose send was not answered', () => {
    const history = new History();
    history.sendMade('a');
    expect(history.missing()).toEqual([]);
  });

  it('sees a message that was never sent', () => {
    const history = new History();
    history.deliver(delivery('ghost'));
    expect(history.violations).toEqual(['ghost was delivered, but never sent']);
  });

  it('sees a wrong body', () => {
    const history = sent('a');
    history.deliver(delivery('a', { body: bodyOf('b') }));
    expect(history.violations).toEqual(['a was delivered with another body']);
  });

  it('sees an acknowledged message that comes back', () => {
    const history = sent('a');
    history.deliver(delivery('a'));
    history.acknowledgedOk('a', 1, 100);
    history.deliver(delivery('a', { askedMs: 101 }));
    history.deliver(delivery('a', { askedMs: 50, attempt: 2 }));
    expect(history.violations).toHaveLength(2);
  });

  it('allows redelivery before the acknowledgement, and an earlier delivery that arrives late', () => {
    const history = sent('a');
    history.deliver(delivery('a'));
    history.deliver(delivery('a', { askedMs: 90, attempt: 2 }));
    history.acknowledgedOk('a', 2, 100);
    history.deliver(delivery('a', { askedMs: 0, attempt: 1 }));
    expect(history.violations).toEqual([]);
    expect(history.counts()).toMatchObject({ delivered: 1, redelivered: 2, acknowledged: 1 });
  });

  it('expects again what was delivered and not acknowledged, unless an acknowledgement went unanswered', () => {
    const history = sent('a');
    history.deliver(delivery('a'));
    expect(history.unfinished()).toEqual(['a']);
    history.acknowledgementUnanswered('a');
    expect(history.unfinished()).toEqual([]);
  });
});
