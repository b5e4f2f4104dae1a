/** One column type with the values that break whoever parses them. Literals as SQL text; NULL is added by the tests. */
export interface TypeCase {
  readonly type: string;
  readonly values: readonly string[];
  /** Whether it has a btree order, so that it can be a primary key. */
  readonly key: boolean;
  /** The type in the twin where it is not the same one: everything that only the source knows arrives as text. */
  readonly twin?: 'text';
}

/** What the types below need on the source. */
export const TYPES_SETUP = `
  CREATE EXTENSION citext SCHEMA public;
  CREATE EXTENSION hstore SCHEMA public;
  CREATE TYPE public.mood AS ENUM ('sad', 'o''k', 'very, "happy"', ' ');
  CREATE DOMAIN public.positive AS integer CHECK (VALUE > 0);
  CREATE DOMAIN public.tags AS text[] CHECK (array_length(VALUE, 1) < 5);
  CREATE TYPE public.pair AS (a integer, b text);
  CREATE TYPE public.nested AS (p public.pair, at timestamptz, m public.mood);
  CREATE TYPE public.floatrange AS RANGE (subtype = float8);
`;

const same = (type: string, ...values: string[]): TypeCase => ({ type, values, key: true });
const unordered = (type: string, ...values: string[]): TypeCase => ({ type, values, key: false });
const foreign = (type: string, ...values: string[]): TypeCase => ({ type, values, key: true, twin: 'text' });

export const TYPES: readonly TypeCase[] = [
  // Numbers
  same('smallint', '-32768', '32767', '0'),
  same('integer', '-2147483648', '2147483647'),
  same('bigint', '9007199254740993', '-9223372036854775808', '9223372036854775807'),
  same(
    'numeric',
    'NaN',
    'Infinity',
    '-Infinity',
    '0.00000',
    '1E-16383',
    '1.10',
    '123456789012345678901234567890.5',
    '-7E+400',
  ),
  same('numeric(38,10)', '9999999999999999999999999999.9999999999', '-0.0000000001', '1.1'),
  same('numeric(10,2)', '0', '-99999999.99', '1.1'),
  same('real', 'NaN', '-0', '1e-45', 'Infinity', '0.1', '3.4028235e+38'),
  same('double precision', 'NaN', '-Infinity', '5e-324', '0.30000000000000004', '1e+308', '-0'),
  same('money', '-92233720368547758.08', '0.01', '1234567.89'),
  same('oid', '4294967295', '0'),
  same('boolean', 'true', 'false'),

  // Times
  same('date', 'infinity', '-infinity', '4714-11-24 BC', '5874897-12-31', '2000-02-29'),
  same('time', '24:00:00', '00:00:00', '23:59:59.999999'),
  same('time with time zone', '24:00:00+15:59:59', '00:00:00-15:59:59', '12:00:00.5+02'),
  same(
    'timestamp',
    'infinity',
    '-infinity',
    '4714-11-24 00:00:00 BC',
    '294276-12-31 23:59:59.999999',
    '2000-01-01 00:00:00.000001',
  ),
  same('timestamp(3)', '2026-03-29 02:30:00.123', '1999-12-31 23:59:59.999'),
  same(
    'timestamp with time zone',
    'infinity',
    '4714-11-24 00:00:00+00 BC',
    '294276-12-31 23:59:59.999999+00',
    '2026-03-29 02:30:00+14',
  ),
  same('interval', '-1 years -2 mons +3 days -04:05:06.789', '178000000 years', '0', '00:00:00.000001'),
  same('interval day to second(2)', '3 days 04:05:06.78', '-1 days +00:00:00.01'),

  // Texts
  same('text', '', 'tab\t nl\n cr\r \\N \\. \\\\', '\\N', '\\.', 'NULL', 'U+2028 \u2028 \u0001 \u{1f600}', "it's"),
  same('character varying(40)', '', ' padded ', 'ümläut e\u0301'),
  same('character(5)', 'ab', '', 'äö'),
  same('"char"', 'a', '\\', ''),
  same('name', 'pg_class', 'with "quotes"', ''),
  same('bytea', '\\x', '\\x00ff', '\\x5c0a0d09'),
  same('uuid', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),

  // Documents
  unordered('json', '{"a": 1, "a": 2}', '[1.10, "\\u00e4\\n"]', 'null', '  { }  '),
  same('jsonb', '{"b": 1, "a": [null, 1.10]}', '"tab\\t"', 'null', '{}'),
  unordered('jsonpath', '$."a b"[*] ? (@ > 1)', 'strict $'),
  same('tsvector', "'fat':2A 'it''s':1", ''),
  same('tsquery', "'fat' & !('rat' | 'cat':*A)", ''),

  // Bits, networks, the server's own
  same('bit(5)', '10101', '00000'),
  same('bit varying', '', '1', '1011001110001111'),
  same('inet', '192.168.0.1/24', '::1/128', '255.255.255.255'),
  same('cidr', '10.0.0.0/8', '2001:db8::/32'),
  same('macaddr', '08:00:2b:01:02:03', '00:00:00:00:00:00'),
  same('macaddr8', '08:00:2b:ff:fe:01:02:03', 'ff:ff:ff:ff:ff:ff:ff:ff'),
  same('pg_lsn', '0/0', 'FFFFFFFF/FFFFFFFF'),
  same('xid8', '0', '18446744073709551615'),
  unordered('pg_snapshot', '10:20:10,14,15', '1:1:'),
  { ...foreign('regclass', 'pg_catalog.pg_class', 'public.mood_of_people'), key: true },
  foreign('regtype', 'pg_catalog.int4', 'public.mood'),
  { ...foreign('regproc', 'pg_catalog.now'), key: false },

  // Geometry
  unordered('point', '(NaN,Infinity)', '(-0,1e-300)', '(1.5,-2)'),
  unordered('line', '{1,-1,0.5}', '{0,1,-3}'),
  unordered('lseg', '[(0,0),(1,1)]'),
  unordered('box', '(0,1),(2,-3)', '(1,1),(1,1)'),
  unordered('path', '[(0,0),(1,1)]', '((0,0),(1,1),(2,0))'),
  unordered('polygon', '((0,0),(1,1),(2,0))'),
  unordered('circle', '<(0,0),0>', '<(1.5,-2),Infinity>'),

  // Ranges
  same('int4range', 'empty', '(,5]', '[1,)'),
  same('int8range', '[-9223372036854775808,9223372036854775807)', 'empty'),
  same('numrange', '[1.10,1.1]', '(,)', '(NaN,)'),
  same('tsrange', '["2020-01-01 00:00:00",infinity)', '[,"2020-01-01 12:00:00.000001"]'),
  same('tstzrange', '["2020-01-01 00:00:00+14",)', 'empty'),
  same('daterange', '[2020-01-01,infinity)', '(,)'),
  same('int4multirange', '{}', '{[1,3),[5,8)}', '{(,)}'),
  same('tstzmultirange', '{["2020-01-01 00:00:00+00","2021-01-01 00:00:00+00")}', '{}'),

  // Arrays
  same('integer[]', '[0:2]={1,NULL,3}', '{}', '{{1,2},{3,NULL}}'),
  same('text[]', '{"",NULL,"NULL","a,b","q\\"x","\\\\N","{}"}', '{{a,b},{c,NULL}}', '{}'),
  same('numeric[]', '{1.10,NaN,NULL}', '{1.1}'),
  same('bytea[]', '{"\\\\x00ff","\\\\x"}', '{NULL}'),
  same('timestamp with time zone[]', '{infinity,"2020-01-01 00:00:00+14"}'),
  same('jsonb[]', '{"{\\"a\\": [1, \\"x,y\\"]}",NULL}'),

  // Types that only the source has
  foreign('public.mood', 'sad', "o'k", 'very, "happy"', ' '),
  foreign('public.positive', '1', '2147483647'),
  foreign('public.tags', '{a,"b,c"}', '{NULL,""}'),
  foreign('public.pair', '(1,"a ""quoted"", text")', '(,)', '(,"")'),
  foreign('public.nested', '("(1,x)","2020-01-01 00:00:00+14",sad)', '(,,)'),
  foreign('public.floatrange', '[0.1,0.30000000000000004)', 'empty'),
  foreign('public.mood[]', '{sad,"very, \\"happy\\"",NULL}'),
  foreign('public.pair[]', '{"(1,x)","(,\\"a,b\\")"}'),
  foreign('public.citext', 'Abc', 'ÄÖÜ', ''),
  foreign('public.hstore', '"a"=>"1", "b"=>NULL', '"k \\"=>"=>""', ''),
];
