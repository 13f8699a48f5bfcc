import {
  parseApacheJson,
  printJson,
  printTables,
  type JsonObject,
} from '../../../../src/broker/exchange/apache-json';

const OFFSETS = `{
	"dataVersion":{
		"counter":125,
		"stateVersion":0,
		"timestamp":1795243625416
	},
	"groupTopicMap":{
		"readers":[
			"%RETRY%readers_T1",
			"T1"
		]
	},
	"offsetTable":{
		"T1@readers":{0:12,1:9223372036854775807
		}
	},
	"pullOffsetTable":{}
}`;
const PRINTED = OFFSETS.replace(
  '{0:12,1:9223372036854775807',
  '{\n\t\t\t0:12,\n\t\t\t1:9223372036854775807',
);

test('what Apache writes is read, and written again byte for byte', async () => {
  const value = parseApacheJson(OFFSETS) as JsonObject;
  expect(printJson(value)).toBe(PRINTED);
  expect(await printTables(value, () => Promise.resolve())).toBe(PRINTED);
});

test('keys without quotes are numbers, also negative ones; longs beyond 2^53 stay exact', () => {
  const value = parseApacheJson('{-1:9007199254740993,0:1,"0":"1",names:[true,null,1.5,]}');
  expect([...(value as JsonObject)]).toEqual([
    [-1, 9007199254740993n],
    [0, 1],
    ['0', '1'],
    ['names', [true, null, 1.5]],
  ]);
});

test.each([
  ['{"a":1} x', 'more text behind the end at character 8'],
  ['{"a":1', "no ',' or '}' at character 6"],
  ['{"a"', "no ':' at character 4"],
  ['{"a', 'a string without an end at character 1'],
  ['[1,', 'no value at character 3'],
  ['{"a":nothing}', 'no value at character 12'],
  ['['.repeat(100), 'more than 64 levels at character 65'],
])('%s is refused', (text, message) => {
  expect(() => parseApacheJson(text)).toThrow(new SyntaxError(message));
});

test('strings keep their characters', () => {
  const text = '{"a\\"b":"\\\\ \\n 中文 \u{1f600}"}';
  const value = parseApacheJson(text) as JsonObject;
  expect(value.get('a"b')).toBe('\\ \n 中文 \u{1f600}');
  expect(parseApacheJson(printJson(value))).toEqual(value);
});
