// long: a tale for each way to break each rule.
import { bodyOf } from '../history';
import { isDrained, judge, type RuleName, rules } from './rules';
import { call, INVISIBLE_MS, refused, Scene, unknown } from './scene';

type Tale = (scene: Scene) => void;
type Tales = readonly (readonly [string, Tale])[];

const transaction = { kind: 'transaction' } as const;
const rollback = { ...transaction, resolution: 'ROLLBACK' } as const;
const superseded = { outcome: 'refused', text: '40013 was superseded' } as const;
const delayed = { kind: 'delay', dueMs: 1000 } as const;

/** For each rule what breaks it, and nothing else. */
const broken: Readonly<Record<RuleName, Tales>> = {
  'made up': [
    [
      'a message that nobody sent',
      (scene) => {
        const stranger = { ...scene.story('a', {}, call(10, unknown)), messageId: 'stranger' };
        scene.one(stranger, 100);
      },
    ],
    [
      'another body',
      (scene) => {
        const story = scene.story('a');
        const delivery = scene.one(story, 100);
        scene.acknowledge(story, delivery, 200);
        scene.history.deliver('a', bodyOf('b'), delivery, false);
      },
    ],
  ],
  lost: [
    ['a message that never came', (scene) => scene.story('a')],
    [
      'a message that came, was not acknowledged, and did not come again',
      (scene) => scene.one(scene.story('a'), 100),
    ],
    [
      'the same, when its acknowledgement was refused',
      (scene) => {
        const story = scene.story('a');
        scene.acknowledge(story, scene.one(story, 100), 5000, refused);
      },
    ],
    [
      'a committed transaction that never came',
      (scene) => scene.story('a', transaction).ends.push(call(50)),
    ],
    [
      'a transaction that was left open, and that nobody was asked about',
      (scene) => scene.story('a', rollback),
    ],
    [
      'a delayed message whose recall was refused since it was delivered',
      (scene) => {
        const text = '40401 has been delivered already';
        scene.story('a', delayed).recalls.push(call(50, { outcome: 'refused', text }));
      },
    ],
  ],
  'stored twice': [
    [
      'two places, after a repeated send',
      (scene) => {
        const story = scene.story('a');
        for (const [askedMs, place] of [
          [100, 'one'],
          [102, 'other'],
        ] as const) {
          scene.acknowledge(story, scene.one(story, askedMs, askedMs - 99, { place }), 200);
        }
        scene.lose(90);
      },
    ],
    [
      'two dead letters',
      (scene) => {
        const story = scene.story('a');
        for (const attempt of [1, 2, 3]) scene.one(story, attempt * 3000, attempt);
        scene.bury(story, 12_000);
        scene.bury(story, 12_000, { place: 'other' });
      },
    ],
  ],
  'out of order in its group': [
    [
      'a message before the one ahead of it was acknowledged',
      (scene) => {
        const [first, second, third] = scene.group();
        const late = scene.one(first, 100);
        scene.acknowledge(second, scene.one(second, 200), 300);
        scene.acknowledge(first, late, 400);
        scene.acknowledge(third, scene.one(third, 500), 600);
      },
    ],
    [
      'a wrong order in one answer',
      (scene) => {
        const [first, second, third] = scene.group();
        const stories = [first, third, second];
        const came = scene.receive(
          100,
          stories.map((story) => [story]),
        );
        came.forEach((delivery, i) => {
          const story = stories[i];
          if (story !== undefined) scene.acknowledge(story, delivery, 200);
        });
      },
    ],
    [
      'an answer that leaves one out',
      (scene) => {
        const [first, second, third] = scene.group();
        const [one, other] = scene.receive(100, [[first], [third]]);
        if (one !== undefined) scene.acknowledge(first, one, 200);
        if (other !== undefined) scene.acknowledge(third, other, 200);
        scene.acknowledge(second, scene.one(second, 300), 400);
      },
    ],
    [
      'a message that comes again when a later one has come',
      (scene) => {
        const [first, second, third] = scene.group();
        scene.acknowledge(first, scene.one(first, 100), 200, unknown);
        scene.acknowledge(second, scene.one(second, 300), 400);
        scene.acknowledge(first, scene.one(first, 500, 2), 600);
        scene.acknowledge(third, scene.one(third, 700), 800);
      },
    ],
    [
      'a message before the one ahead of it became a dead letter',
      (scene) => {
        const [first, second, third] = scene.group();
        for (const attempt of [1, 2, 3]) scene.one(first, attempt * 3000, attempt);
        scene.acknowledge(second, scene.one(second, 11_000), 11_100);
        scene.bury(first, 12_000);
        scene.acknowledge(third, scene.one(third, 13_000), 13_100);
      },
    ],
  ],
  'delivered again after an answered acknowledgement': [
    [
      'a receive that was called after the answer',
      (scene) => {
        const story = scene.story('a');
        scene.acknowledge(story, scene.one(story, 100), 200);
        const same = { receiptHandle: 'a 0' };
        scene.one(story, 201, 1, same);
      },
    ],
    [
      'a later attempt',
      (scene) => {
        const story = scene.story('a');
        scene.acknowledge(story, scene.one(story, 100), 200);
        scene.one(story, 150, 2);
      },
    ],
    [
      'a dead letter',
      (scene) => {
        const story = scene.story('a');
        for (const attempt of [1, 2]) scene.one(story, attempt * 3000, attempt);
        scene.acknowledge(story, scene.one(story, 9000, 3), 9100);
        scene.bury(story, 12_000);
      },
    ],
  ],
  'attempts counted wrong': [
    ...(
      [
        ['a first delivery that counts as the second', [2]],
        ['an attempt left out', [1, 3]],
        ['the same attempt twice', [1, 1]],
        ['attempts that go down', [2, 1]],
        ['attempt 0', [0, 1]],
        ['more attempts than the group allows', [1, 2, 3, 4]],
      ] as const
    ).map(([name, attempts]): Tales[number] => [
      name,
      (scene) => {
        const story = scene.story('a');
        const came = attempts.map((attempt, i) => scene.one(story, (i + 1) * 3000, attempt));
        const last = came.at(-1);
        if (last !== undefined) scene.acknowledge(story, last, last.seenMs + 10, unknown);
      },
    ]),
    [
      'an attempt left out, and a broker lost before the receive that lasted',
      (scene) => {
        const story = scene.story('a');
        scene.one(story, 100);
        scene.again(3000, 2900);
        scene.acknowledge(story, scene.one(story, 6000, 3), 6100);
      },
    ],
    [
      'an attempt left out, and a receive of other messages lost',
      (scene) => {
        const story = scene.story('a');
        scene.one(story, 100);
        scene.lose(3000, 'fifo');
        scene.lose(20_000);
        scene.acknowledge(story, scene.one(story, 6000, 3), 6100);
      },
    ],
    ...(
      [
        ['of a message group, from two masters', { kind: 'fifo', messageGroup: 'g' }, 5000],
        ['from the second master', {}, 1000],
      ] as const
    ).map(([name, intent, changeMs]): Tales[number] => [
      `the same attempt twice, ${name}`,
      (scene) => {
        const story = scene.story('a', intent);
        scene.history.masterChangesMs.push(changeMs);
        scene.one(story, 3000);
        scene.acknowledge(story, scene.one(story, 6000), 6100);
      },
    ]),
    [
      'a dead letter before its last attempt',
      (scene) => {
        const story = scene.story('a');
        for (const attempt of [1, 2]) scene.one(story, attempt * 3000, attempt);
        scene.bury(story, 9000);
      },
    ],
  ],
  'acknowledgement refused in time': [
    [
      'an answer before the invisible time can have ended',
      (scene) => {
        const story = scene.story('a');
        scene.acknowledge(story, scene.one(story, 100), 100 + INVISIBLE_MS - 1, refused);
        scene.acknowledge(story, scene.one(story, 3000, 2), 3100);
      },
    ],
    ...(
      [
        ['superseded, under one master', {}, superseded, 5000],
        ['superseded, of a message group', { kind: 'fifo', messageGroup: 'g' }, superseded, 150],
        ['said to be something else by the next master', {}, refused, 150],
      ] as const
    ).map(([name, intent, why, changeMs]): Tales[number] => [
      `a handle that is ${name}`,
      (scene) => {
        const story = scene.story('a', intent);
        scene.history.masterChangesMs.push(changeMs);
        scene.acknowledge(story, scene.one(story, 100), 200, why);
        scene.acknowledge(story, scene.one(story, 3000, 2), 3100);
      },
    ]),
  ],
  'half seen': [
    [
      'a message that nobody has committed',
      (scene) => {
        const story = scene.story('a', transaction, call(10, unknown));
        scene.acknowledge(story, scene.one(story, 100), 200);
      },
    ],
    [
      'a message before its commit was called',
      (scene) => {
        const story = scene.story('a', transaction);
        scene.acknowledge(story, scene.one(story, 100), 200);
        story.ends.push(call(300));
      },
    ],
  ],
  'rolled back seen': [
    [
      'a message whose producer rolls it back',
      (scene) => {
        const story = scene.story('a', rollback);
        story.ends.push(call(50));
        scene.acknowledge(story, scene.one(story, 100), 200);
      },
    ],
  ],
  'decision not kept': [
    [
      'a decision that is refused',
      (scene) => scene.story('a', rollback).ends.push(call(50, refused), call(90)),
    ],
    [
      'the opposite, taken later',
      (scene) => {
        const story = scene.story('a', rollback);
        story.ends.push(call(50));
        story.oppositeEnds.push(call(100));
      },
    ],
    [
      'a question long after the end',
      (scene) => {
        const story = scene.story('a', rollback);
        story.ends.push(call(50));
        story.checks.push(30_000);
      },
    ],
  ],
  early: [
    [
      'a delayed message 1 ms before its time',
      (scene) => {
        const story = scene.story('a', delayed);
        scene.acknowledge(story, scene.one(story, 900, 1, { seenWallMs: 999 }), 1100);
      },
    ],
  ],
  'recalled and delivered': [
    [
      'a message whose recall was answered OK',
      (scene) => {
        const story = scene.story('a', delayed);
        story.recalls.push(call(50));
        scene.acknowledge(story, scene.one(story, 1000), 1100);
      },
    ],
  ],
  'recall refused': [
    [
      'a message that is said to be unknown',
      (scene) => {
        const story = scene.story('a', delayed);
        story.recalls.push(call(50, refused));
        scene.acknowledge(story, scene.one(story, 1000), 1100);
      },
    ],
  ],
};

describe.each(Object.keys(rules) as RuleName[])('"%s" is found', (rule) => {
  it.each(broken[rule])('%s', (_what, tell) => {
    const scene = new Scene();
    tell(scene);
    expect(Object.keys(judge(scene.history))).toEqual([rule]);
  });
});

/** What is as it should be, or cannot be told from it. */
const kept: Tales = [
  [
    'a send that was not answered, and no message',
    (scene) => scene.story('a', {}, call(9, unknown)),
  ],
  [
    'an acknowledgement that was not answered, and no more deliveries, or one',
    (scene) => {
      for (const id of ['a', 'b']) {
        const story = scene.story(id);
        scene.acknowledge(story, scene.one(story, 100), 200, unknown);
        if (id === 'b') scene.acknowledge(story, scene.one(story, 3000, 2), 3100);
      }
    },
  ],
  [
    'an earlier delivery that arrives after the acknowledgement of a later one',
    (scene) => {
      const story = scene.story('a');
      const late = { seenMs: 5000 };
      scene.acknowledge(story, scene.one(story, 3000, 2), 3100);
      scene.one(story, 100, 1, late);
    },
  ],
  [
    'a repeated receive that brings the same delivery again',
    (scene) => {
      const story = scene.story('a');
      const delivery = scene.one(story, 100);
      const { receiptHandle } = delivery;
      scene.acknowledge(story, scene.one(story, 300, 1, { receiptHandle }), 400);
    },
  ],
  [
    'an attempt left out when a broker was lost during a receive, which its proxy asked again',
    (scene) => {
      const story = scene.story('a');
      scene.one(story, 100);
      scene.again(3000, 3050);
      scene.acknowledge(story, scene.one(story, 6000, 3), 6100);
    },
  ],
  [
    'an attempt left out while a broker did not reach the proxy that answered a receive',
    (scene) => {
      const story = scene.story('a');
      scene.one(story, 100);
      scene.again(3000, 9000);
      scene.history.cuts.push({ fromMs: 2000, toMs: 5000 });
      scene.acknowledge(story, scene.one(story, 6000, 3), 6100);
    },
  ],
  [
    'an attempt left out when a receive was lost',
    (scene) => {
      const story = scene.story('a');
      scene.one(story, 100);
      scene.lose(3000);
      scene.acknowledge(story, scene.one(story, 6000, 3), 6100);
    },
  ],
  [
    'the same attempt twice, from two masters',
    (scene) => {
      const story = scene.story('a');
      scene.one(story, 100);
      scene.history.masterChangesMs.push(2000);
      scene.acknowledge(story, scene.one(story, 3000), 3100);
    },
  ],
  [
    'attempts from the first one on again, from the next master, and a handle of the one before superseded',
    (scene) => {
      const story = scene.story('a');
      scene.one(story, 100);
      const second = scene.one(story, 3000, 2);
      scene.history.masterChangesMs.push(3500);
      const again = scene.one(story, 4000);
      scene.acknowledge(story, second, 4100, superseded);
      scene.acknowledge(story, again, 4200);
    },
  ],
  [
    'an end of a half message that was refused before its send was answered',
    (scene) => {
      const story = scene.story('a', rollback, call(100));
      story.ends.push(call(50, refused), call(200));
    },
  ],
  [
    'an acknowledgement that came too late',
    (scene) => {
      const story = scene.story('a');
      scene.acknowledge(story, scene.one(story, 100), 100 + INVISIBLE_MS, refused);
      scene.acknowledge(story, scene.one(story, 3000, 2), 3100);
    },
  ],
  [
    'a group whose first message comes again with those behind it, and is a dead letter in the end',
    (scene) => {
      const [first, second, third] = scene.group();
      scene.receive(3000, [[first], [second]]);
      scene.receive(6000, [
        [first, 2],
        [second, 2],
      ]);
      const [, other] = scene.receive(9000, [
        [first, 3],
        [second, 3],
      ]);
      if (other !== undefined) scene.acknowledge(second, other, 9100);
      scene.bury(first, 12_000);
      scene.acknowledge(third, scene.one(third, 12_010), 12_100);
    },
  ],
  [
    'a commit that was not answered, and its message; a rollback that was not, and a question',
    (scene) => {
      const story = scene.story('a', transaction);
      story.ends.push(call(50, unknown), call(400));
      scene.acknowledge(story, scene.one(story, 100), 200);
      const other = scene.story('b', rollback);
      other.ends.push(call(50, unknown), call(90));
      other.checks.push(95);
    },
  ],
  [
    'a rollback that was not answered, and refused before the repeated send was taken',
    (scene) => {
      const story = scene.story('a', rollback, call(10, unknown));
      story.sends.push(call(80));
      story.ends.push(call(50, unknown), call(70, refused));
    },
  ],
  [
    'a recall that was not answered, with and without delivery, and one that came too late',
    (scene) => {
      scene.story('a', delayed).recalls.push(call(50, unknown));
      const text = '40401 has been delivered already';
      for (const [id, more] of [
        ['b', unknown],
        ['c', { outcome: 'refused', text }],
      ] as const) {
        const story = scene.story(id, delayed);
        story.recalls.push(call(50, more));
        scene.acknowledge(story, scene.one(story, 1000), 1100);
      }
    },
  ],
];

describe('nothing is found in', () => {
  it.each(kept)('%s', (_what, tell) => {
    const scene = new Scene();
    tell(scene);
    expect(judge(scene.history)).toEqual({});
    expect(isDrained(scene.history)).toBe(true);
  });
});
