import assert from 'node:assert/strict';
import { TopicIndex } from '../../../src/emulator/mqtt/topic-index';

describe('Topic index', () => {
  it('finds what matches (MQTT 5 section 4.7)', () => {
    const index = new TopicIndex<string>();
    const filters = ['a/b', 'a/+', 'a/#', '+/b', '#', 'a/b/#', '+', 'a/+/c', '$SYS/#', 'a'];
    for (const filter of filters) index.add(filter, filter);
    const found = (topic: string) => {
      const matching = index.match(topic).sort();
      for (const filter of filters)
        assert.equal(
          index.some(topic, (one) => one === filter),
          matching.includes(filter),
        );
      return matching;
    };
    assert.deepEqual(found('a/b'), ['#', '+/b', 'a/#', 'a/+', 'a/b', 'a/b/#']);
    assert.deepEqual(found('a'), ['#', '+', 'a', 'a/#']);
    assert.deepEqual(found('a/b/c'), ['#', 'a/#', 'a/+/c', 'a/b/#']);
    assert.deepEqual(found('$SYS/x'), ['$SYS/#']);
    assert.deepEqual(found('ab'), ['#', '+']);
    for (const filter of filters) index.remove(filter, filter);
    assert.deepEqual(found('a/b'), []);
  });
});
