import type { Random } from '../../platform/platform';

/** Two 32-bit hashes of a topic and a message id. */
export class IdHash {
  low = 0;
  high = 0;
  private topic = '';
  private topicLow: number;
  private topicHigh: number;

  /**
   * @param seedLow chance, as `seedHigh`: what collides in one process does not in the next
   */
  constructor(
    private readonly seedLow: number,
    private readonly seedHigh: number,
  ) {
    this.topicLow = seedLow;
    this.topicHigh = seedHigh;
  }

  static seededBy(random: Pick<Random, 'uint32'>): IdHash {
    return new IdHash(random.uint32(), random.uint32());
  }

  /** Sets `low` and `high`. Hot path. */
  of(topic: string, id: string): void {
    if (topic !== this.topic) this.enter(topic);
    this.add(id, this.topicLow, this.topicHigh);
    this.low = mix(this.low);
    this.high = mix(this.high ^ this.low);
  }

  private enter(topic: string): void {
    // Its length keeps ('ab', 'c') and ('a', 'bc') apart.
    this.add(topic, this.seedLow ^ topic.length, this.seedHigh);
    this.topicLow = this.low;
    this.topicHigh = this.high;
    this.topic = topic;
  }

  private add(text: string, fromLow: number, fromHigh: number): void {
    let low = fromLow;
    let high = fromHigh;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul((high << 5) ^ (high >>> 27) ^ code, 0x9e3779b1);
    }
    this.low = low;
    this.high = high;
  }
}

/** Murmur3's finaliser: ids differ in few characters only. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
