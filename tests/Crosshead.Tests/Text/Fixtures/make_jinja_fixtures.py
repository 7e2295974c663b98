"""Writes jinja.json: our own small templates and what Jinja makes of them, in the sandbox and with the options that
Transformers uses. Where Jinja refuses a template, there is null in place of the text.
    python3 make_jinja_fixtures.py > jinja.json      (Python 3.11, Jinja2 3.1.6)"""
import json

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

VARIABLES = {
    "d": {"a": 1, "b": 2},
    "l": [3, 1, 2],
    "s": "Hello World",
    "n": 7,
    "f": 2.5,
    "none_value": None,
    "t": " \t hi \n",
    "emoji": "a😀b😀",
    "m": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
}

# Expressions, put out by {{ }}.
EXPRESSIONS = r"""
dict(m[0], name='n')
dict([('a', 1)])
dict([['a', 1], ('b', 2)], c=3)
dict({'a': 1})
dict(d, a=5)
dict()
dict(1)
dict(d, d)
dict([1])
dict(mapping=d)
{'b': 1, 'a': 2}|dictsort
{'b': 1, 'a': 2}|dictsort(by='value')
{'b': 1, 'a': 2}|dictsort(reverse=true)
{'b': 1, 'a': 2}|dictsort(false, 'value')
{'b': 1, 'A': 2, 'a': 3}|dictsort
{'b': 1, 'A': 2, 'a': 3}|dictsort(true)
{'b': 1, 'A': 2}|dictsort(case_sensitive=true, by='key', reverse=true)
{'b': 'x', 'a': 'Y'}|dictsort(by='value')
{'b': 1}|dictsort(by='size')
{'b': 1}|dictsort(1, 'key', true, 4)
[1]|dictsort
'abca'.find('a', 1)
'abca'.index('a', 1)
'abc'.find('c', 0, 2)
'abc'.index('c', 0, 2)
'abca'.find('a', -2)
'abca'.find('a', -10, -1)
'abc'.find('')
'abc'.find('', 3)
'abc'.find('', 4)
'abc'.find('', 2, 1)
'abca'.rfind('a')
'abca'.rfind('a', 0, 3)
'abca'.rfind('')
'abca'.rindex('a', 0, 3)
'abca'.rindex('z')
'abc'.find(sub='a')
'abc'.find('a', start=1)
'abc'.find('a', none, none)
'abc'.find('a', 'b')
'abc'.find()
'abc'.find('a', 0, 1, 2)
'abc'.find(1)
'😀a'.find('a')
'😀a😀'.rfind('😀')
'😀a😀'.find('😀', 1)
'😀a😀'.count('😀', 1)
'😀ab'[1:]
'😀ab'[-2:]
emoji|length
emoji[1]
emoji[3]
emoji[4]
emoji[1:3]
emoji[::2]
emoji[::-1]
emoji|reverse
emoji|list
emoji.index('b')
emoji.split('😀')
'' in emoji
'abca'.startswith('b', 1)
'abca'.startswith('b', 1, 1)
'abca'.startswith('', 4)
'abca'.startswith('', 5)
'abca'.startswith(('x', 'b'), 1)
'abca'.startswith(('x', 1))
'abca'.startswith(['a'])
'abca'.startswith(prefix='a')
'abca'.startswith()
'abc'.endswith('b', 0, 2)
'abc'.endswith(('x', 'c'))
'abc'.endswith('c', 3)
'abc'.endswith('', 3)
'abc'.endswith(1)
'aaa'.count('a', 1)
'aaa'.count('a', 1, 2)
'aaa'.count('')
'aaa'.count('', 1)
'aaa'.count('', 4)
'aaaa'.count('aa')
'aaa'.count()
[1, 2, 1].index(1, 1)
[1, 2, 1].index(1, 1, 2)
[1, 2, 1].index(1, -1)
[1, 2, 1].index(3)
[1, 2, 1].index(value=1)
[1, 2, 1].count(1)
[1, 2, 1].count(1, 2)
[1, 2, 1].count()
(1, 2, 1).index(1, 1)
(1, 2, 1).count(1)
[true, 1, 1.0].count(1)
'a\nb\n'.splitlines(true)|join
'a\nb\n'.splitlines(keepends=true)
'a\nb\n'.splitlines(keepends=false)
'a\nb\n'.splitlines(true, 1)
'a\nb\n'.splitlines(keep=true)
'a\x0bb\x0cc\x1cd\x1de\x1ef\x85g\u2028h\u2029i\r\nj\rk'.splitlines()
'a\r\n\r\nb'.splitlines(true)
''.splitlines()
'\n'.splitlines()
3.2|round(0, 'ceil')
2.567|round(1, 'floor')
2.567|round(precision=1, method='ceil')
1234.5|round(-2)
1250.0|round(-2)
1350|round(-2)
1250|round(-2)
1234|round(-2, 'ceil')
1234|round(-5)
-2.5|round
2.5|round
3.5|round
0.125|round(2)
2.675|round(2)
1e22|round(2)
0.1|round(30)
-0.4|round
3|round
3|round(1)
true|round
3|round(0, 'floor')
1.5|round(1, 'up')
1.5|round('a')
'1.5'|round
1.5|round(1, 'ceil', 2)
1.5|round(digits=1)
'0x1A'|int(0, 16)
'12'|int(0, 8)
'0x1A'|int(base=16)
'1A'|int(0, 16)
'z'|int(0, 36)
'0b101'|int(0, 2)
'0b101'|int(0, 0)
'0o17'|int(0, 0)
'12'|int(0, 0)
'012'|int(0, 0)
'000'|int(0, 0)
'9'|int(0, 8)
'12'|int(0, 1)
'12'|int(0, 37)
'0b1'|int(0, 16)
'-0x1A'|int(0, 16)
' 12 '|int
'+12'|int
'1_000'|int
'1__000'|int
'_1'|int
'1_'|int
'0x_1A'|int(0, 16)
'42.9'|int
'-42.9'|int
'1e3'|int
'inf'|int
'nan'|int(7)
'x'|int('d')
'x'|int(default=4)
'x'|int(4, 10, 1)
'12'|int(radix=8)
none|int
[]|int(3)
true|int
12.9|int
-12.9|int
nope|int
'١٢'|int
'inf'|float
'-Infinity'|float
'nan'|float
' 1_0.5 '|float
'1__0'|float
'.5'|float
'5.'|float
'.'|float
'1e5'|float
'x'|float
'x'|float(1)
'x'|float(default='d')
'x'|float(1, 2)
none|float
true|float
nope|float
5|float
d|tojson
d|tojson(indent=2)
d|tojson(true, 2)
[1, {'b': [], 'a': {}}]|tojson(indent=1)
[1, {'b': 2, 'a': 1}]|tojson(sort_keys=true)
['é😀\x7f']|tojson
['é😀\x7f']|tojson(ensure_ascii=true)
[1, 2]|tojson(separators=[',', ':'])
[1, 2]|tojson(separators=(';', '='), indent=2)
[1, 2]|tojson(indent='--')
[1, 2]|tojson(indent=0)
[1, 2]|tojson(indent=-1)
[1, 2]|tojson(indent=true)
[1, 2]|tojson(indent=1.5)
[1, 2]|tojson(nope=1)
[1, 2]|tojson(false, none, none, false, 1)
[1, 2]|tojson(separators=[','])
[1.0, 1e16, 1e-7, -0.0]|tojson
['inf'|float, '-inf'|float, 'nan'|float]|tojson
'</script>\u2028\b\f'|tojson
(1, 'a')|tojson
nope|tojson
range(3)|tojson
d.items()|tojson
[nope]|tojson
m|join('/', attribute='role')
m|join('/', 'role')
m|join(d='/', attribute='content')
[[1, 2], [3, 4]]|join(',', attribute=0)
[[1, 2], [3, 4]]|join(',', attribute='1')
[1, none, 'a', 2.0, nope]|join('-')
[1, 2]|join(3)
[1, 2]|join('-', none, 1)
[1, 2]|join(sep='-')
d|join('-')
'abc'|join('-')
1|join
nope|default('x')
''|default('x', true)
''|default('x', boolean=true)
''|default(default_value='x', boolean=1)
''|default('x')
none|default('x')
none|default('x', true)
nope|default
nope|default('x', true, 1)
nope|default(value='x')
nope|d(1)
t|trim
'xaxx'|trim('x')
'xaxx'|trim(chars='x')
'xyaxy'|trim('yx')
'\x1ca\x85'|trim
'x'|trim('x', 'y')
'x'|trim(1)
5|trim
'aXbX'|replace('X', 'y', 1)
'aXbX'|replace('X', 'y', count=1)
'aXbX'|replace(old='X', new='y')
'aXbX'|replace('X', 'y', 0)
'aXbX'|replace('X', 'y', -1)
'abc'|replace('', '-')
'abc'|replace('', '-', 2)
'a😀b'|replace('', '-')
'abc'|replace('b')
'abc'|replace('b', 1)
15|replace(5, 6)
'abc'|replace('b', 'c', 'd')
'abc'|replace('b', 'c', 1, 2)
'aXbX'.replace('X', 'y', 1)
'aXbX'.replace('X', 'y', count=1)
'aXbX'.replace('X', 1)
'aXbX'.replace('X')
s|upper
s|upper(1)
s|lower(x=1)
"it's a-b_c"|title
"it's a-b_c".title()
'hello (world) [a] {b} <c>'|title
'HELLO wORLD'|title
'a1b 2c'|title
'a1b 2c'.title()
'ǆ ß ﬁ'|title
'ǆ ß ﬁ'.title()
'ßa'.capitalize()
'ßA'|capitalize
'ǆA'|capitalize
'Straße'|upper
'Straße'.upper()
'ΟΔΟΣ'|lower
'ΟΔΟΣ ΣΑΣ Σ'|lower
'ΑΣ.Β'.lower()
'ΑΣ. Β'.lower()
'ΟΔΟΣ'.title()
'ΟΔΟΣ'|title
'İI'|lower
'ıſ'|upper
'ŉ ǰ ﬃ'|upper
'ᾳ'|upper
'ᾳ'.title()
'𐐀𐐨'|lower
'𐐀𐐨'|upper
'ABC'.isupper()
'ABǅ'.isupper()
'ab1'.islower()
'ªb'.islower()
'Ⅷ'.isupper()
'1'.islower()
'12'.isdigit()
'²①'.isdigit()
'½'.isdigit()
'½'.isalnum()
'五a'.isalnum()
'五a'.isalpha()
'𝐀'.isalpha()
'a b'.isalpha()
''.isalpha()
' \t\x1c\u3000'.isspace()
'a'.isdigit(1)
'A' is upper
'ab' is lower
'Ab' is lower
1 is upper
'a\x0bb'.splitlines()
['\u200b']
['\x00\x1f\x7f\x80\xa0\xad', 'é', '\u2028', '\ue000', '\U000e0001', '\u0378', '😀', '\ufeff', '\u3000']
['a\'b', 'a"b', 'a\'"b', '\\', '\n\r\t']
[1, 1.0, none, true, 'x', (1,), [], {}, nope]
{'a': {'b': [none]}}
m[0].items()
d.keys()
d.values()
d.items()|list
d.items()|length
d.items()|first
d.items()|last
d.keys()[0]
d.keys()[0:1]
d.keys() == d.keys()
d.values() == d.values()
d.items() is sequence
d.items() is iterable
d.items() is mapping
'a' in d.keys()
2 in d.values()
('a', 1) in d.items()
d.items()|tojson
d.keys() + [1]
d.items(1)
d.get('a')
d.get('z')
d.get('z', 5)
d.get('z', default=5)
d.get()
d.get('a', 1, 2)
d.copy()
d.keys
d|items|list
nope|items|list
5|items|list
range(5)
range(1, 5)
range(0, 10, 3)
range(5)[1]
range(5)[-1]
range(5)[9]
range(5)[1:3]
range(10)[::2]
range(10)[::-1]
range(5)|list
range(5)|length
range(5) == range(0, 5)
range(5) == [0, 1, 2, 3, 4]
range(0) is sequence
3 in range(5)
range(5).index(3)
range(5).count(3)
range(5)|last
range(5)|sum
range(3)|reverse|list
range()
range(1, 2, 0)
range(1, 2, 3, 4)
range('a')
range(1.5)
range(stop=3)
range(100000)|length
range(100001)
range(5, 0, -2)|list
range(-3)|list
[1] is sameas([1])
[1] is sameas [1]
l is sameas(l)
2.5 is sameas(2.5)
f is sameas(f)
[1] in d
[1] in d.keys()
'a' in d.keys()
3 in d.keys()
d.get([1])
d.get(1)
l|sort('a')
m|sort(attribute='zz')|length
[none, none]|sort
l|sort(none)
d|dictsort(reverse='a')
'a'.splitlines('a')
'a'.splitlines(1)
l.index(1, none)
l.index(1, 0, 9)
(1, 2).index(2, 1)
range(3).index(1, 0)
+(-0.0)
+f
-'a'
+'a'
d is sameas d
none is sameas none
true is sameas true
1 is sameas 1
1 is sameas 1.0
1 is sameas true
'a' is sameas 'a'
() is sameas ()
l is sameas
l is sameas(l, 1)
l is sameas(other=l)
l is sameas(nope=l)
"\101"
"\0"
"\12x"
"\1011"
"\777"
"\x41\u00e9\U0001f600"
"\q\8"
"\x4"
"\u12"
"\U00110000"
"a\
b"
'a' is string
4 is divisibleby(2)
4 is divisibleby(num=2)
4 is divisibleby 3
4 is divisibleby
4 is divisibleby(2, 3)
4 is divisibleby 0
3 is odd
3 is odd(1)
2.0 is even
'a' is even
true is odd
nope is odd
1 is in([1])
1 is in(seq=[1])
1 is in [1, 2]
1 is in
'a' is in('abc')
1 is eq 1
1 is eq(b=1)
1 is eq(1, 2)
1 is lt 2
1 is ge 1.0
1 is ne '1'
1 is gt 'a'
nope is defined
nope is undefined
nope is none
nope is callable
range is callable
's' is callable
nope is iterable
nope is sequence
5 is iterable
5 is number
true is number
true is integer
true is boolean
1.0 is float
none is none
none is none(1)
1 is nosuchtest
1 is defined is true
1 is not odd
[1]|select
[1, 0, 2]|select|list
[1, 0, 2]|select|length
[1, 0, 2]|select|first
[1, 0, 2]|select|last
[1, 0, 2]|reject|list
[1, 2, 3]|select('odd')|list
[1, 2, 3]|select('divisibleby', 3)|list
[1, 2, 3]|select('divisibleby', num=3)|list
[1, 2, 3]|select('divisibleby', nope=3)|list
[1, 2, 3]|select('odd', 1)|list
[1, 2, 3]|select('nosuch')|list
[1, 2, 3]|reject('gt', 1)|list
m|selectattr('role', 'equalto', 'user')|list
m|selectattr('role')|list|length
m|selectattr('zz')|list
m|selectattr|list
m|rejectattr('role', 'eq', 'user')|map(attribute='content')|first
m|selectattr('role', 'in', ['user'])|list|length
m|map(attribute='role')|list
m|map(attribute='zz', default='-')|list
m|map(attribute='a.b', default='x')|list
m|map(attribute='zz')|list
m|map(attribute='role', nope=1)|list
m|map('length')|list
['a', 'b']|map('upper')|list
['a', 'b']|map('upper')|length
['a', 'b']|map('upper')|join
['a', 'b']|map('replace', 'a', 'c')|list
['a', 'b']|map('replace', old='a', new='c')|list
['a', 'b']|map('upper', 1)|list
['a', 'b']|map('nosuch')|list
['a', 'b']|map|list
[[1, 2], [3]]|map('first')|list
[[1, 2], [3]]|map(attribute=0)|list
(['a']|map('upper'))[0]
(['a']|map('upper'))[0:1]
'yes' if []|select else 'no'
'yes' if []|list else 'no'
[1, 1, 2]|unique|list
['a', 'A', 'b']|unique|list
['a', 'A', 'b']|unique(true)|list
['a', 'A', 'b']|unique(case_sensitive=true)|list
m|unique(attribute='role')|list|length
[[1], [1]]|unique|list
[1, true, 1.0]|unique|list
[1]|unique(false, none, 1)|list
l|sort
l|sort(true)
l|sort(reverse=true)
['b', 'A', 'a']|sort
['b', 'A', 'a']|sort(false, true)
['b', 'A', 'a']|sort(case_sensitive=true)
m|sort(attribute='role')|map(attribute='role')|list
[{'a': 1, 'b': 2}, {'a': 1, 'b': 1}]|sort(attribute='a,b')
[[2, 'a'], [1, 'b']]|sort(attribute=0)
[{'a': 'x', 'n': 1}, {'a': 'X', 'n': 2}]|sort(attribute='a', reverse=true)
[1, 'a']|sort
[none, 1]|sort
l|sort(1, 2, none, 4)
l|sort(key=1)
d|sort
'cab'|sort
l|min
l|max
['b', 'A']|min
['b', 'A']|min(true)
['b', 'A']|max(case_sensitive=true)
m|max(attribute='role')
m|min(attribute='content')
[]|max
[]|max is defined
l|max(1, 2, 3)
l|sum
l|sum(start=10)
[{'a': 1}, {'a': 2}]|sum('a')
[{'a': 1}, {'a': 2}]|sum(attribute='a', start=5)
['a']|sum(start='')
[[1], [2]]|sum(start=[])
['a']|sum
[]|sum
l|sum(none, 1, 2)
[]|first is defined
[]|first
l|first
l|first(1)
l|last
'abc'|first
'abc'|last
d|first
d|last
5|first
nope|first
nope|last
l|reverse
l|reverse|list
l|reverse|length
l|reverse|first
d|reverse|list
'abc'|reverse
5|reverse
nope|reverse|list
l|length
5|length
none|length
l|count
nope|length
l|length(1)
'abc'|list
5|list
d|list
l|list(1)
5|abs
-5|abs
(-5)|abs
(-5.5)|abs
true|abs
'a'|abs
none|abs
'a\nb\n\nc'|indent
'a\nb\n\nc'|indent(2)
'a\nb\n\nc'|indent(2, true)
'a\nb\n\nc'|indent(2, blank=true)
'a\n\nb'|indent('>', true, true)
'a\r\nb\x0bc'|indent(1)
'a\n'|indent(1)
''|indent(2, true)
5|indent
'a'|indent(none)
'a\nb'|indent(width='-', first=true)
'a\nb'|indent(2, true, true, 1)
'a\nb'|indent(size=2)
'<a href="x">\'&'|escape
'<a>'|e ~ '<'
'<a>'|safe
'<a>'|safe ~ '<b>'
5|string + 'a'
'a'|string(1)
'abc'|capitalize
'aBC'|capitalize(1)
'abc'.split('b')
'a b c'.split(maxsplit=1)
'a b c'.split(sep=' ', maxsplit=1)
'a b c'.split(none, 1)
' a  b '.split()
' a  b '.split(none, 0)
' a  b '.split(' ')
' a  b '.rsplit(none, 1)
' a  b '.rsplit(' ', 1)
'a,b,c'.rsplit(',', 1)
'a,b,c'.rsplit(sep=',', maxsplit=1)
'a,b,c'.split(',', 1, 2)
'a,b,c'.split(by=',')
'a,b,c'.split(1)
'a\x1cb\u3000c'.split()
'abc'.split('')
''.split()
''.split(',')
' hi '.strip()
'xxhixx'.strip('x')
'xxhixx'.strip(chars='x')
'xxhixx'.lstrip('x')
'xxhixx'.rstrip('x')
'xxhixx'.strip('x', 1)
'😀a😀'.strip('😀')
'abc'.removeprefix('a')
'abc'.removesuffix('c')
'abc'.removeprefix('x')
'abc'.removesuffix('')
'abc'.removeprefix()
'abc'.removeprefix(1)
'-'.join(['a', 'b'])
'-'.join('abc')
'-'.join(d)
'-'.join([1])
'-'.join()
'-'.join(['a'], 1)
'-'.join(['a']|map('upper'))
'a' ~ 1 ~ none ~ 1.0 ~ true ~ nope ~ [1]
'a' + 1
'a' + none
'a' + nope
1 + nope
[1] + [2]
[1] + (2,)
(1,) + (2,)
[1] * 3
3 * [1]
(1, 2) * 2
'ab' * 2
2 * 'ab'
'ab' * -1
'ab' * true
'ab' * 1.5
true + true
-true
+true
1 / 2
4 / 2
7 // 2
-7 // 2
7 // -2
-7 % 3
7 % -3
7.5 // 2
-7.5 // 2
7.5 % -2
-7.5 % 2
1 // 0.1
1 % 0.1
-0.0 // 1
1e308 * 10
2 ** 3 ** 2
2 ** -1
2 ** 0.5
0 ** -1
0.0 ** -1
(-8) ** 0.5
10.0 ** 400
-2 ** 2
1 / 0
1 // 0
1 % 0
1.0 / 0
1.0 % 0
'%s and %s' % ('a', 1)
'%d' % 3
'%d' % 3.9
'%d' % true
'%d' % 'x'
'%s' % 'a'
'%s' % [1, 2]
'%s %s' % ('a',)
'%s' % ('a', 'b')
'100%%' % ()
'%s%%' % 5
'%' % 5
'%s' % none
'%s' % nope
1 == 1.0
1 == true
'1' == 1
9007199254740993 == 9007199254740992.0
9007199254740993 > 9007199254740992.0
[1] == [1.0]
[1] == (1,)
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
none == nope
nope == nope2
nope == ''
nope != none
'a' < 'b'
'a' < 'B'
'\uffff' < '😀'
[1, 2] < [1, 3]
[1] < [1, 0]
(1, 'a') < (1, 'b')
[1] < (1,)
{} < {}
1 < 'a'
none < 1
1 < 2 < 3
3 > 2 > 2
1 < true
('nan'|float) < 1
('nan'|float) == ('nan'|float)
not nope
not []
not 'a' == 'b'
1 in [1, 2]
1 in (1, 2)
'a' in 'abc'
1 in 'abc'
1 in 5
'a' in nope
nope in 'abc'
nope in [1]
1 not in [1]
l[0]
l[-1]
l[5]
l[true]
l['a']
l[1.0]
l[none]
l[1:]
l[:-1]
l[::-1]
l[::0]
l[1:'a']
l[:true]
l[-100:100]
(1, 2, 3)[1:]
'abc'[1]
'abc'[5]
'abc'[::-1]
'abc'[1:][0]
5[0]
n[0:1]
none_value[0:1]
nope[0]
nope[0:1]
nope.a
nope['a']
d.a
d['a']
d.zz
d.zz.yy
d['zz']
d[1]
d[0:1]
none.a
5.real
m.0.role
m[0].role
m[0]['role']
s.upper()
s.nosuch()
s.upper
l.append(1)
d.update(d)
s.format()
none()
nope()
5()
'a' 'b' "c"
1_000
1_000.5
0x1F
0b101
0o17
0XfF
007
00
1__0
1e3
1E-2
1.5e3
1.
.5
1.e3
99999999999999999999
true
True
TRUE
false
none
None
(1)
(1,)
()
1, 2
[1, 2,]
{'a': 1,}
{'a': 1, 'a': 2}
{1: 2}
'a' if true
'a' if false
'a' if false else 'b'
'a' if 1 is odd else 'b'
1 is odd if true
1 is odd and 2 is even
1 is odd or false
namespace(a=1).a
namespace(d).a
namespace([('x', 1)]).x
namespace(d, a=5).a
namespace(d, d)
namespace().zz
raise_exception('no')
raise_exception(message='no')
raise_exception()
dict(a=1, a=2)
dict(a=1, [1])
s.replace('l', 'L', )
s|replace('l', 'L',)
s|nosuch
(s)|upper()
s|upper|lower
-n|abs
- 3
-(3)
2 - -3
not not 1
s ~ n
n ~ n + 1
1 + 2 ~ 3
m|map(attribute='role')|map('upper')|join(' ')
(m|first).role
m|length - 1
'x'.join(['a', 'b'])|upper
[x for x in l]
l|batch(2)|list
s|wordcount
"%.2f" % 2.5
"{}".format(1)
0.1 + 0.2
1e16
1e15
123456789012345680.0
1e-5
0.0001
-0.0
1.0
100000000000000000000.0
5e-324
1.7976931348623157e308
'%d %i' % (7, 8.9)
'%5d|%-5d|%05d|%+d|% d' % (42, 42, 42, 42, 42)
'%x %X %#x %o %#o' % (255, 255, 255, 8, 8)
'%.2f %8.3f %-8.1f| %+.0f %e %E %g %G' % (2.675, 3.14159, 2.5, 2.5, 12345.678, 0.00012, 0.0001, 1e20)
'%.3g %g %g %#g %.10g' % (1234.5, 100000, 1000000, 1.5, 0.1)
'%s %r %a' % ('a', 'b', 1.5)
'%.2s|%5s|%-5s|' % ('abc', 'ab', 'ab')
'%%|%c%c' % ('x', 65)
'%(a)s-%(b)03d' % d
'%(z)s' % d
'%s' % d
'%s' % [1, 2]
'%s' % (l, )
'%s %s' % l
'%s' % (1, 2)
'%s %s' % (1,)
'%d' % 'a'
'%d' % none
'%q' % 1
'%' % 1
'%*d|%-*d|%.*f' % (5, 42, 5, 42, 1, 2.25)
'%f %F %e' % (1e400, -1e400, 0.0)
'%d' % 1e400
'%f' % true
'a' % ()
'a' % 1
'a' % []
'a%' % 1
'%5%|' % ()
'%ld' % 3
'{} {}'.format(1, 'a')
'{0} {1} {0}'.format(1, 'a')
'{a} {b[0]} {b[1]}'.format(a=1, b=[2, 3])
'{0.a} {0[b]}'.format(d)
'{{}} {}'.format(1)
'{:5}|{:<5}|{:>5}|{:^5}|{:*^6}|{:05}'.format(1, 1, 'a', 'ab', 'ab', -42)
'{:+d} {: d} {:x} {:#x} {:b} {:o} {:X} {:,} {:_}'.format(1, 2, 255, 255, 5, 8, 255, 1234567, 1234567)
'{:.2f} {:.1e} {:g} {:.0%} {:8.3f}|{:.3}|{}'.format(2.675, 1234.5, 1e-5, 0.25, 3.14159, 1.0, 1.0)
'{!r} {!s}'.format('a', 'b')
'{:{}}|{:>{w}}'.format('a', 3, 'b', w=4)
'{:.2}'.format('abc')
'{:d}'.format('a')
'{:s}'.format(1)
'{'.format(1)
'}'.format(1)
'{}'.format()
'{1}'.format(1)
'{x}'.format(1)
'{:z}'.format(1)
'{:,.2f}'.format(1234567.891)
'{:=+6d}|{:é>4}'.format(5, 'a')
'{}'.format(none)
'{:5}|'.format(true)
'{:d}'.format(true)
'%s is %s'|format('a', 1)
'%(x)s'|format(x=1)
'%s %s'|format(1)
l|batch(2, 0)|list
l|batch(5)|list
l|batch(2)
[]|batch(2)|list
l|slice(2)|list
l|slice(5, 'x')|list
range(7)|slice(3, none)|list
range(7)|slice(3, 9)|list
l|slice(0)|list
m|groupby('role')
[{'a': 'x', 'b': 1}, {'a': 'X', 'b': 2}, {'a': 'w', 'b': 3}]|groupby('a')
[{'a': 'x', 'b': 1}, {'a': 'X', 'b': 2}]|groupby('a', case_sensitive=true)
[{'a': 1}, {}]|groupby('a', default=0)
s|center(15) ~ '|'
s|center(14) ~ '|'
'ab'|center(5) ~ '|'
'ab'.center(5, '*')
s|truncate(5)
s|truncate(5, leeway=0)
s|truncate(5, true, leeway=0)
s|truncate(8, false, '…', 0)
s|truncate(2, leeway=0)
'a b c d e f g h'|truncate(7, leeway=0)
s|wordcount
'a_b c-d é ٣'|wordcount
'a b/ü&=?'|urlencode
{'a b': 'ü/', 'c': 1}|urlencode
[('x', '1 2')]|urlencode
5|urlencode
d|attr('a')
'7'.zfill(3)
'-7'.zfill(4)
'+'.zfill(3)
'ab'.zfill(1)
'ab'.ljust(4) ~ '|'
'ab'.rjust(4, '.')
'ab'.ljust(4, 'xy')
'aBß'.swapcase()
'a=b=c'.partition('=')
'a=b=c'.rpartition('=')
'abc'.partition('=')
'abc'.rpartition('=')
'abc'.partition('')
'١٢'.isdecimal()
'²'.isdecimal()
'aé'.isascii()
{1: 'a', 2.0: 'b', true: 'c', 'x': 4, (1, 2): 5}
{1: 'a'}[1]
{1: 'a'}[1.0]
{1: 'a'}[true]
{1: 'a'}['1']
{1: 'a'}.get(2, 'z')
{512: 128, 0: 1, 16: 2}|dictsort
{1: 'a', 2.5: 'b', true: 'c'}|tojson
{2: 'a', 1: 'b'}|tojson(sort_keys=true)
{2: 'a', 'x': 'b'}|tojson(sort_keys=true)
{(1, 2): 3}|tojson
{[1]: 2}
{1: 2} == {1.0: 2}
1 in {1: 2}
1 in {1: 2}.keys()
{1: 2}.items()|list
dict([(1, 2)])
dict(*[{'a': 1}], **{'b': 2})
dict(**d)
dict(**{'a': 1}, **{'a': 2})
dict(**{1: 2})
dict(**[1])
range(*[1, 4])|list
range(*(0, 6), 2)|list
s.replace(*['o', '0'])
'{}{}'.format(*'ab')
'{a}'.format(**d)
[1, 2] * 2
(1, 2) * 2
1|filesizeformat
999|filesizeformat
1000|filesizeformat
'1234567'|filesizeformat
1234567|filesizeformat(true)
1024|filesizeformat(binary=true)
1e30|filesizeformat
'x'|filesizeformat
('<'|escape)|forceescape
'<'|forceescape
'tojson' is filter
'nope' is filter
'odd' is test
'nope' is test
('<'|safe) is escaped
'<' is escaped
cycler()
""" + "\n"

# Whole templates.
TEMPLATES = [
    "{% for i in [1, 2] %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}",
    "{% for i in [1] %}{% for j in [1] %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}{% endfor %}",
    "{% for i in [1, 2] %}{{ loop }}{% endfor %}",
    "{% for i in l %}{{ loop.index }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{% endfor %}",
    "{% for i in l %}{{ loop.nosuch }}{% endfor %}",
    "{% for i in l %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for i in l %}{{ loop.cycle() }}{% endfor %}",
    "{% for i in l %}{{ loop.cycle(x='a') }}{% endfor %}",
    "{% for i in [1, 1, 2] %}{{ loop.changed(i, 'x') }}{% endfor %}",
    "{% for i in [1, 1, 2] %}{{ loop.changed(value=i) }}{% endfor %}",
    "{% for i in l|select('odd') %}{{ loop.length }}{{ i }}{% endfor %}",
    "{% for i in d.items() %}{{ i }}{% endfor %}",
    "{% for k, v in d|dictsort(reverse=true) %}{{ k }}{{ v }}{% endfor %}",
    "{% for k, v in d|items %}{{ k }}{{ v }}{% endfor %}",
    "{% for i in range(3) %}{{ i }}{% else %}x{% endfor %}",
    "{% for i in l|map('string') %}{{ i }}{% else %}x{% endfor %}",
    "{% for i in []|select %}{{ i }}{% else %}x{% endfor %}",
    "{% for c in emoji %}{{ c }},{% endfor %}",
    "{% for a, b in ['xy', (1, 2)] %}{{ a }}{{ b }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% for loop in l %}{{ loop }}{% endfor %}",
    "{% for true in l %}{% endfor %}",
    "{% for i in 5 %}{% endfor %}",
    "{% for i in nope %}x{% else %}y{% endfor %}",
    "{% break %}",
    "{% continue %}",
    "{% if true %}{% break %}{% endif %}",
    "{% for i in l %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in l %}{% macro x() %}{% break %}{% endmacro %}{% endfor %}",
    "{% for i in l %}{% else %}{% break %}{% endfor %}",
    "{% set x = l|map('string') %}{{ x|join }}{{ x|join }}",
    "{% set none = 1 %}{{ none }}",
    "{% set true = 1 %}",
    "{% set x = 1, 2 %}{{ x }}",
    "{% set x, y = 1 %}",
    "{% set x, y = 'ab' %}{{ x }}{{ y }}",
    "{% set x %}a{% endset %}{{ x + 'b' }}",
    "{% set ns = namespace(a=1) %}{% set ns.a = 2 %}{{ ns.a }}{{ ns.b is defined }}{{ ns }}",
    "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}",
    "{% set d.a = 1 %}",
    "{% macro m(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=4, a=5) }}{{ m() }}",
    "{% macro m(a, b=2) %}{{ a }}{% endmacro %}{{ m(1, 2, 3) }}",
    "{% macro m(a, b=2) %}{{ a }}{% endmacro %}{{ m(c=3) }}",
    "{% macro m(a, b=2) %}{{ a }}{% endmacro %}{{ m(1, a=3) }}",
    "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(1) }}",
    "{% macro m(a=1, b) %}{{ b }}{% endmacro %}",
    "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}",
    "{% macro m() %}x{% endmacro %}{{ m() + 'y' }}{{ m()|upper }}",
    "{% filter upper %}a{{ n }}{% endfilter %}",
    "{% filter replace('a', 'b') %}aa{% endfilter %}",
    "{% filter replace('a') %}aa{% endfilter %}",
    "{% if l|select('gt', 5) %}yes{% else %}no{% endif %}",
    "{% if l|select('gt', 5)|list %}yes{% else %}no{% endif %}",
    "{% if d.items() %}yes{% endif %}{% if {}.items() %}yes{% endif %}",
    "{% if range(0) %}yes{% else %}no{% endif %}",
    "a\x0cb\x85c\u2028d\r\ne\rf",
    "{{ 'a\u2028b' }}",
    "a \x1c {%- if true %}b{% endif %}",
    "  {% if true %}\n  a\n  {%- endif %}",
    "{{ n.0.1 }}",
    "{{ [[1, [2, 3]]].0.1.0 }}",
    "{% if n is defined and n is number %}x{% endif %}",
    "{% if n is odd if true %}x{% endif %}",
    "{% endif %}",
    "{{ '\\",
    "{{ 'a }}",
    "{{ a.b.c is defined }}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% set x = '<' | safe %}{{ x }}",
    "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}",
    "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with a, b = (1, 2) %}{{ a }}{{ b }}{% endwith %}",
    "{% for i in l %}{% with x = i %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endwith %}{% endfor %}",
    "{% with a %}{% endwith %}",
    "{% macro f(x) %}[{{ x }}{{ caller() }}]{% endmacro %}{% call f(1) %}in {{ n }}{% endcall %}",
    "{% macro f() %}{{ caller('a', b=2) }}{% endmacro %}{% call(x, b, c=3) f() %}{{ x }}{{ b }}{{ c }}{% endcall %}",
    "{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}",
    "{% macro f() %}{{ caller() }}{% endmacro %}{{ f() }}",
    "{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}",
    "{% macro g() %}<{{ caller() }}>{% endmacro %}{% macro f() %}{% call g() %}{{ caller() }}{% endcall %}"
    "{% endmacro %}{% call f() %}deep{% endcall %}",
    "{% set o = namespace(f=1) %}{% macro f() %}{{ caller()|upper }}{% endmacro %}{% set o.f = f %}"
    "{% call o.f() %}a{% endcall %}",
    "{% call n %}x{% endcall %}",
    "{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, 3, b=4) }}{{ f(1) }}",
    "{% macro f(a) %}{{ a }}{{ varargs|length }}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a) %}{{ a }}{{ varargs|length }}{% endmacro %}{{ f(1, b=2) }}",
    "{% macro f(a) %}{{ kwargs.b }}{% endmacro %}{{ f(1, b=2) }}",
    "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ f(*[1]) }}{{ f(*l[:2]) }}{{ f(**{'a': 5}) }}"
    "{{ f(1, **{'b': 6}) }}",
    "{% macro f(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ f(1, **{'a': 5}) }}",
    "{% for i in [[1, [2, [3]]], 4] recursive %}{{ loop.depth }}{% if i is iterable %}({{ loop(i) }}){% else %}{{ i }}"
    "{% endif %}{% endfor %}",
    "{% for t in [{'n': 'a', 'c': [{'n': 'b', 'c': []}, {'n': 'c', 'c': []}]}] recursive %}{{ loop.index }}{{ t.n }}"
    "{{ loop(t.c) }}{% else %}-{% endfor %}",
    "{% for i in l %}{{ loop(l) }}{% endfor %}",
    "{% for i in l recursive %}{{ loop.depth0 }}{% endfor %}",
    "{% for i in l if i > 1 recursive %}{{ i }}{% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, (b, (c, d)) in [(1, (2, (3, 4)))] %}{{ a }}{{ b }}{{ c }}{{ d }}{% endfor %}",
    "{% for a, in [[1], [2]] %}{{ a }}{% endfor %}",
    "{% set (a, b), c = (1, 2), 3 %}{{ a }}{{ b }}{{ c }}",
    "{% set a, = [1] %}{{ a }}",
    "{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% set true, b = 1, 2 %}",
    "{{ f(*l, *l) }}",
    "{{ dict(**d, 1) }}",
    "{% for k, v in {512: 128, 0: 1} | dictsort %}{{ k }}={{ v }};{% endfor %}{{ {0: 'z'}[0] }}",
    "{% for g in m|groupby('role') %}{{ g[0] }}{{ g[1]|length }}{% endfor %}",
    "{% set j = joiner() %}{% for i in l %}{{ j() }}{{ i }}{% endfor %}",
    "{% set j = joiner('|') %}{{ j() }}{{ j() }}{{ j() }}",
    "{% set c = cycler('a', 'b') %}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.next() }}"
    "{{ c.reset() }}{{ c.current }}",
    "{% for role, items in m|groupby('role') %}{{ role }}{{ items|length }}{% endfor %}",
]


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    return made


def main():
    made = environment()
    rows = []
    lines = EXPRESSIONS.strip("\n").replace("\\\nb", "\\\x00b").split("\n")
    for template in ["{{ " + line.replace("\x00", "\n") + " }}" for line in lines] + TEMPLATES:
        try:
            text = made.from_string(template).render(**VARIABLES)
        except Exception:
            text = None
        if text is not None and " at 0x" in text:
            text = None  # the address of an object: no text that anyone wants
        rows.append([template, text])
    print("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")


main()
