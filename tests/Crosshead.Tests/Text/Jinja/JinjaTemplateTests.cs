using Crosshead.Text.Jinja;

namespace Crosshead.Tests.Text.Jinja;

public sealed class JinjaTemplateTests
{
    // The right-hand sides were rendered by Jinja 3.1.6 in the sandbox and with the options that Transformers uses.
    public static TheoryData<string, string> Rendered => new()
    {
        { "{% for i in [1,2] %}{{ x }}|{% set x = i %}{{x}};{% endfor %}", "|1;|2;" },
        { "{% set x=9 %}{% for i in [1,2] %}{{ x }}|{% set x = i %}{{x}};{% endfor %}{{x}}", "9|1;9|2;9" },
        { "{% for i in [1,2] %}{% if i==2 %}{{ x }}{% endif %}{% set x = i %};{% endfor %}{{x}}", ";;" },
        { "{% if true %}{% set z = 3 %}{% endif %}{{ z }}", "3" },
        { "{{ -1|abs }} {{ 2**3**2 }} {{ 7//2 }} {{ 7/2 }} {{ -7//2 }} {{ -7%3 }} {{ 4/2 }} {{ 7 % -3 }} {{ 2**-1 }}",
            "1 64 3 3.5 -4 2 2.0 -2 0.5" },
        { "{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 10 - 2 - 3 }} {{ -n + 1 }} {{ - 2 ** 2 }} {{ 1.5 + 1 }} {{ 2.5 // "
            + "1 }} {{ 2.5 % 1 }}", "3 9 5 -6 4 2.5 2.0 0.5" },
        { "{{ [1,'a',None,True,1.5,{'k':\"it's\"}] }} {{ (1,) }} {{ () }} {{ (1, 'b') }} {{ \"q\\\"'\" }} {{ "
            + "[\"q\\\"'\", '\\n'] }}",
            "[1, 'a', None, True, 1.5, {'k': \"it's\"}] (1,) () (1, 'b') q\"' ['q\"\\'', '\\n']" },
        { "{{ 'a' ~ 1 ~ none ~ 1.0 ~ true }} {{ 'a' + s ~ 1 }}", "a1None1.0True aHello World1" },
        { "{{ [1,2][5] }}|{{ 'abc'[1] }}|{{ 'abc'[-2:] }}|{{ [1,2,3][::-1] }}|{{ [1,2,3,4][1:3] }}|{{ 'abcdef'[::2] "
            + "}}|{{ l[-1] }}|{{ l[:-1] }}|{{ l[10:] }}|{{ 'abc'[5:1:-1] }}|{{ (1,2,3)[1:] }}",
            "|b|bc|[3, 2, 1]|[2, 3]|ace|2|[3, 1]|[]|c|(2, 3)" },
        { "{% if x is not none and x is defined %}a{% else %}b{% endif %}", "b" },
        { "{{ 'a' if false }}|{{ 'a' if n > 3 else 'b' }}|{{ 'a' if n > 30 else 'b' if n > 3 else 'c' }}", "|a|b" },
        { "{% set ns = namespace(a=1) %}{% for i in range(3) %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}", "4" },
        { "{% for k, v in d.items() %}{{k}}={{v}},{% endfor %}{% for k in d %}{{k}}{% endfor %}{% for k, v in d|items "
            + "%}{{ k ~ v }}{% endfor %}", "a=1,b=2,aba1b2" },
        { "{{ 'HELLO wORLD-x'|title }} {{ 'hELLO w'|capitalize }} {{ 'HELLO wORLD-x'.title() }} {{ s|upper }} {{ "
            + "s.lower() }}", "Hello World-X Hello w Hello World-X HELLO WORLD hello world" },
        { "{{ ['b','A','c','a']|sort }} {{ ['b','A','a']|unique|list }} {{ 'abc'|reverse }} {{ [1,2]|reverse|list }} "
            + "{{ l|sort(reverse=true) }} {{ ['b','A','a']|sort(case_sensitive=true) }}",
            "['A', 'a', 'b', 'c'] ['b', 'A'] cba [2, 1] [3, 2, 1] ['A', 'a', 'b']" },
        { "{{ x|length }} {{ s|length }} {{ d|count }} {{ emoji|length }} {{ emoji[1] }} {{ emoji[::-1] }}",
            "0 11 2 4 😀 😀b😀a" },
        { "{{ [1,2] + [3] }} {{ (1,2)+(3,) }} {{ 'ab' * 2 }} {{ 3 * 'x' }}", "[1, 2, 3] (1, 2, 3) abab xxx" },
        { "{{ 1.0 }} {{ 1e20 }} {{ 0.1+0.2 }} {{ 3|float }} {{ '3.7'|int }} {{ 3.5|round }} {{ 'x'|int }} {{ "
            + "'x'|int(5) }} {{ f }} {{ 1e-7 }} {{ 123456789.0 }} {{ 2.675|round(2) }} {{ '2.5'|float }} {{ 1e15 }} "
            + "{{ 1e16 }}",
            "1.0 1e+20 0.30000000000000004 3.0 3 4.0 0 5 2.5 1e-07 123456789.0 2.67 2.5 1000000000000000.0 1e+16" },
        { "{{ 'a' 'b' }}{{ \"c\" }}", "abc" },
        { "{% macro m(a, b='z') %}[{{a}}{{b}}]{% endmacro %}{{ m('x') }}{{ m('x', b='y') }}{{ m() }}{{ m(b=1, a=2) }}",
            "[xz][xy][z][21]" },
        { "{% macro r(k) %}{{ k }}{% if k > 0 %}{{ r(k - 1) }}{% endif %}{% endmacro %}{{ r(4) }}", "43210" },
        { "{% set x %}  hi {% endset %}<{{ x|trim }}>{% set x | upper %}hi{% endset %}<{{ x }}>", "<hi><HI>" },
        { "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c = 1, 2 %}{{ c }}", "12(1, 2)" },
        { "{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' in 'cat' }} {{ 2 not in [1] }} {{ not 1 == 2}} {{ 1 < "
            + "2 > 1 }} {{ 'a' in d }} {{ [1] == [1] }} {{ [1] == (1,) }} {{ none == none }} {{ 'x' != 'y' }} {{ "
            + "3 >= 3 }}", "True True True True True True True True True False True True True" },
        { "{% for i in [1,2,3,4] if i is even %}{{ loop.index }}{{ i }}{{ loop.length }}{{loop.last}} {% else %}none{% "
            + "endfor %}", "122False 242True " },
        { "{% for i in [] %}x{% else %}none{% endfor %}{% for i in l if i > 9 %}x{% else %}none{% endfor %}",
            "nonenone" },
        { "{% for i in [1,2,3,4] %}{% if i==2 %}{% continue %}{% endif %}{% if i==4 %}{% break %}{% endif %}{{i}}{% "
            + "endfor %}", "13" },
        { "{% for i in l %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.previtem "
            + "}}{{ loop.nextitem }}{{ loop.cycle('o','e') }}{{ loop.changed(i > 1) }} {% endfor %}",
            "032True1oTrue 121False32eTrue 210False1oTrue " },
        { "{% for i in [1,2] %}{% for j in [3,4] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
            "121;122;" },
        { "{{ [{'a':1},{'a':2}]|map(attribute='a')|join(',') }} {{ ['a']|map('upper')|list }} {{ m|selectattr('role',"
            + "'equalto','user')|list }} {{ m|rejectattr('role','eq','user')|map(attribute='content')|first }} {{ [0,1,"
            + "'',2]|select|list }} {{ l|select('odd')|list }} {{ l|reject('gt', 1)|list }} {{ m|map(attribute='zz', "
            + "default='-')|list }}", "1,2 ['A'] [{'role': 'user', 'content': 'q'}] a [1, 2] [3, 1] [1] ['-', '-']" },
        { "{{ x is iterable }} {{ x is sequence }} {{ x is mapping }} {{ d is mapping }} {{ s is iterable }} {{ n is "
            + "iterable }} {{ l is sequence }} {{ u is none }} {{ x is undefined }} {{ n is integer }} {{ f is float "
            + "}} {{ yes is number }} {{ yes is integer }} {{ yes is sameas true }}",
            "True True False True True False True True True True True True False True" },
        { "{{ {'a': 1, 'b': [1,2]} }} {{ {}|length }} {{ dict(a=1, b='c') }} {{ d.a }} {{ d['b'] }} {{ d.zz is defined "
            + "}} {{ d.get('a') }} {{ d.get('q') }} {{ d.get('q', 5) }} {{ d.keys()|list }} {{ d.values()|list }} {{ "
            + "d|dictsort }}",
            "{'a': 1, 'b': [1, 2]} 0 {'a': 1, 'b': 'c'} 1 2 False 1 None 5 ['a', 'b'] [1, 2] [('a', 1), ('b', 2)]" },
        { "{{ 'a\\tb\\u00e9\\'\\x41\\\\' }}|{{ \"\\n\" }}|", "a\tbé'A\\|\n|" },
        { "{{ 'abc'.split('b') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ ' a  b  c '.split(none, 1) }} "
            + "{{ 'a,b,c'.rsplit(',', 1) }} {{ 'a\\nb\\n'.splitlines() }} {{ ''.split(',') }} {{ ''.split() }}",
            "['a', 'c'] ['a', 'b'] ['a', 'b,c'] ['a', 'b  c '] ['a,b', 'c'] ['a', 'b'] [''] []" },
        { "{{ t.strip() }}|{{ t.lstrip() }}|{{ t.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xya'.lstrip('yx') }}|{{ "
            + "t|trim }}|{{ 'xax'|trim('x') }}", "hi|hi \n| \t hi|a|a|hi|a" },
        { "{{ s.startswith('He') }} {{ s.endswith('x') }} {{ s.startswith(('x','H')) }} {{ s.find('o') }} {{ "
            + "s.rfind('o') }} {{ s.find('z') }} {{ s.count('l') }} {{ s.index('W') }} {{ s.replace('l','L') }} {{ "
            + "s.replace('l','L',1) }} {{ 'abc'.replace('','-') }} {{ '-'.join(['a','b']) }} {{ 'ab1'.isalnum() }} {{ "
            + "'12'.isdigit() }} {{ 'A'.isupper() }} {{ s.removeprefix('Hello ') }} {{ s.removesuffix('x') }}",
            "True False True 4 7 -1 3 6 HeLLo WorLd HeLlo World -a-b-c- a-b True True True World Hello World" },
        { "{% raw %}{{ x }}{% endraw %}  |", "{{ x }}  |" },
        { "{{ none }} {{ true }} {{ x|default('d') }} {{ ''|default('d', true) }} {{ ''|default('d') }} {{ "
            + "u|default('d') }} {{ u|d('d', boolean=true) }}", "None True d d  None d" },
        { "{{ m[0]['role'] == 'user' and 'yes' or 'no' }} {{ '' or 'x' }} {{ 'a' and '' }}| {{ not '' }} {{ not "
            + "not 1 }}", "yes x | True True" },
        { "{{ 'abc' is string }}{{ [] is sequence }}{{ 1 is number }}{{ true is boolean }}{{ true is true }}{{ 4 is "
            + "divisibleby 2 }}{{ 4 is divisibleby(3) }}{{ 1 is in [1] }}{{ 'a' is not string }}{{ 'A' is upper }}{{ 1 "
            + "is eq 1 }}{{ n is odd }}{{ n is not defined or n == 7 }}",
            "TrueTrueTrueTrueTrueTrueFalseTrueFalseTrueTrueTrueTrue" },
        { "{{ 'a\\nb\\n\\nc\\n'|indent(2) }}|{{ 'a\\nb'|indent(2, true) }}|{{ 'a\\n\\nb'|indent('>', blank=true) }}",
            "a\n  b\n\n  c\n|  a\n  b|a\n>\n>b" },
        { "{{ 'x' < 'y' }}{{ [1] < [2] }}{{ (1,2)|list }}{{ 'abc'|list }}{{ [1,2]|string }}{{ m.0.role }}",
            "TrueTrue[1, 2]['a', 'b', 'c'][1, 2]user" },
        { "{{ ['a', 1]|join('-') }} {{ 1|string + 'a' }} {{ 'A'|lower }} {{ 'aXbX'|replace('X','y',1) }} {{ "
            + "'aXbX'|replace('X','y') }} {{ l|join }} {{ m|join('/', attribute='role') }}",
            "a-1 1a a aybX ayby 312 user/assistant" },
        { "{% filter upper %}abc{{ s }}{% endfilter %}|{% generation %}g{{ n }}{% endgeneration %}",
            "ABCHELLO WORLD|g7" },
        { "{{ {'b': 1, 'a': [true, none, 1.5, 'é\"\\n\\\\<']}|tojson }} {{ [1,{'a':[]}]|tojson(indent=2) }} {{ "
            + "{'b':1,'a':2}|tojson(sort_keys=true) }} {{ 'é'|tojson(ensure_ascii=true) }} {{ "
            + "[1,2]|tojson(separators=(',',':')) }} {{ {}|tojson(indent=4) }}", "{\"b\": 1, \"a\": [true, null, 1.5, "
            + "\"é\\\"\\n\\\\<\"]} [\n  1,\n  {\n    \"a\": []\n  }\n] {\"a\": 2, \"b\": 1} \"\\u00e9\" [1,2] {}" },
        { "{{ '%s-%d%%' % ('a', 3) }} {{ '%s' % 'b' }}", "a-3% b" },
        { "{%- if true -%}  a  {%- endif -%}  b", "ab" },
        { "a {#- c -#} b {# d #} c", "ab  c" },
        { "{{ range(3)|list }} {{ range(1,4)|list }} {{ range(5,0,-2)|list }} {{ range(0)|list }}",
            "[0, 1, 2] [1, 2, 3] [5, 3, 1] []" },
        { "{% set ns = namespace(found=false, l=[]) %}{% set ns.l = ns.l + ['a'] %}{% if not ns.found %}{% set "
            + "ns.found = true %}{% endif %}{{ ns.found }}{{ ns.l }}{{ ns.zz is defined }}", "True['a']False" },
        { "{% if n > 5 and n < 10 %}a{% elif n == 3 %}b{% else %}c{% endif %}{% if not n %}a{% elif n %}b{% endif %}",
            "ab" },
        { "{% for message in m %}{{ '<|' + message['role'] + '|>' + message.content | trim + '\\n' }}{% endfor %}",
            "<|user|>q\n<|assistant|>a\n" },
        { "{{ (s|lower).split()|length - 1 }} {{ (n, s)[1][0] }} {{ [s, n][0].split(' ')[-1].upper() }} {{ {'k': "
            + "m}.k[0].role }}", "1 H WORLD user" },
        { "{{ l.index(2) }} {{ l.count(1) }} {{ 'a' if x is defined and x.y else 'b' }} {{ loop is defined }} {{ tools "
            + "is none }}", "2 1 b False True" },
        { "{% for a, b in [(1,2),[3,4]] %}{{ a }}{{ b }}{% endfor %}{% for (a, b) in [(1,2)] %}{{ a+b }}{% endfor %}",
            "12343" },
        { "  {% if true %}\n  a\n  {% endif %}\nb\n\n", "  a\nb\n" },
        { "{{ 'a' }}\nb\n", "a\nb" },
        { "a\n  {# c #}\n  b", "a\n  b" },
        { "a  {% if true %}\n b {% endif %} c", "a   b  c" },
        { "  {%+ if true +%}\n  a{% endif %}", "  \n  a" },
        { "{% if true %}\n\na\n{% endif %}\n", "\na\n" },
        { "  {{ 'a' }}  \n  {{ 'b' -}}  \n c", "  a  \n  bc" },
        { "{%- for i in [1,2] %}\n  {{- i }}\n{%- endfor %}\nx", "12x" },
        { "a\r\n{% if true %}\r\nb{% endif %}\r\n", "a\nb" },
        { "x {% raw -%}  {{ y }} {%- endraw %} \n z", "x {{ y }} \n z" },
        { "\n\n  {% set a = 1 %}\n  {{ a }}", "\n\n  1" },
        { "{% for i in [1,2] %}\n    {% if i == 1 %}\n        one\n    {% else %}\n        two\n    {% endif %}\n{% "
            + "endfor %}\n", "        one\n        two\n" },
        { "text\t{% if true %}\ta{% endif %}", "text\t\ta" },
        { "{#- a -#}\n{{ 1 }}\n{#- b #}\n2", "12" },
        { "  {% raw %}  {% if %}\n  {% endraw %}\nz", "  {% if %}\nz" },
    };

    [Theory]
    [MemberData(nameof(Rendered))]
    public void Renders_as_Jinja_does(string template, string expected) =>
        Assert.Equal(expected, JinjaTemplate.Parse(template).Render(Variables()));

    [Theory]
    [InlineData("a\n{{ x.y }}", 2, "'x' is undefined")]
    [InlineData("{{ d.q.z }}", 1, "dict has no attribute 'q'")]
    [InlineData("{{ d.q + 'a' }}", 1, "dict has no attribute 'q'")]
    [InlineData("{{ 'a' + 1 }}", 1, "'+' is not supported between str and int")]
    [InlineData("{{ 'x' < 1 }}", 1, "'<' is not supported between str and int")]
    [InlineData("{{ 'x'.foo() }}", 1, "str has no attribute 'foo'")]
    [InlineData("{{ foo('x') }}", 1, "'foo' is undefined")]
    [InlineData("{{ l.append(3) }}", 1, "list has no attribute 'append'")]
    [InlineData("{% for i in none %}{% endfor %}", 1, "NoneType is not iterable")]
    [InlineData("{% set d.a = 1 %}", 1, "'d' is no namespace")]
    [InlineData("{{ 1/0 }}", 1, "division by zero")]
    [InlineData("{{ 9223372036854775807 + 1 }}", 1, "too large")]
    [InlineData("{{ 'a,b'.split('') }}", 1, "the separator is empty")]
    [InlineData("{{ range(200000) }}", 1, "more than 100,000 items")]
    [InlineData("{{ 'ab' * 10000000 }}", 1, "longer than")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", 1, "more than 100 deep")]
    [InlineData("{% set n = namespace(l=[]) %}{% for i in range(100000) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}",
        null, "nest too deeply")]
    public void A_template_that_fails_says_why_and_where(string template, int? line, string message)
    {
        var error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(template).Render(Variables()));
        Assert.Equal(line, error.Line);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% if x %}\n\n", 2, "{% if %} does not end; close it with {% endif %}")]
    [InlineData("{% for x in [1] %}", 1, "{% for %} does not end; close it with {% endfor %}")]
    [InlineData("{% if x %}{% endfor %}", 1, "{% endfor %} is not known")]
    [InlineData("a\nb {% foo %}", 2, "{% foo %} is not known")]
    [InlineData("{% include 'a' %}", 1, "{% include %} is not known")]
    [InlineData("{{ 1 + }}", 1, "'}}' stands where a value is expected")]
    [InlineData("{{ a b }}", 1, "'b' stands where '}}' is expected")]
    [InlineData("{{ (1 }}", 1, "does not end")]
    [InlineData("{{ [1 2] }}", 1, "'2' stands where ',' is expected")]
    [InlineData("{{ x", 1, "{{ does not end")]
    [InlineData("{# x", 1, "{# does not end")]
    [InlineData("{% raw %} x", 1, "{% raw %} does not end")]
    [InlineData("{{ x|trimm }}", 1, "did you mean \"trim\"?")]
    [InlineData("{{ x is strin }}", 1, "did you mean \"string\"?")]
    [InlineData("{{ a ? b }}", 1, "unexpected character '?'")]
    [InlineData("{{ 99999999999999999999 }}", 1, "too large")]
    public void A_template_that_cannot_be_read_says_why_and_where(string template, int line, string message)
    {
        var error = Assert.Throws<JinjaException>(() => JinjaTemplate.Parse(template));
        Assert.Equal(line, error.Line);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ ", "(", "1", ")", " }}")]
    [InlineData("{{ ", "[", "1", "]", " }}")]
    [InlineData("{{ ", "-", "1", "", " }}")]
    [InlineData("{{ ", "1+", "1", "", " }}")]
    [InlineData("{{ 1", "|abs", "", "", " }}")]
    [InlineData("{{ x", ".a", "", "", " }}")]
    [InlineData("", "{% if 1 %}", "1", "{% endif %}", "")]
    public void Endless_nesting_is_refused(string start, string open, string middle, string close, string end) =>
        Assert.Throws<JinjaException>(() =>
            JinjaTemplate.Parse(start + string.Concat(Enumerable.Repeat(open, 50_000)) + middle
                + string.Concat(Enumerable.Repeat(close, 50_000)) + end));

    internal static Dictionary<string, object?> Variables() => new()
    {
        ["d"] = Dictionary(("a", 1L), ("b", 2L)),
        ["l"] = new List<object?> { 3L, 1L, 2L },
        ["s"] = "Hello World",
        ["n"] = 7L,
        ["u"] = null,
        ["none_value"] = null,
        ["f"] = 2.5,
        ["yes"] = true,
        ["t"] = " \t hi \n",
        ["m"] = new List<object?>
        {
            Dictionary(("role", "user"), ("content", "q")), Dictionary(("role", "assistant"), ("content", "a")),
        },
        ["e"] = new List<object?>(),
        ["emoji"] = "a😀b😀",
        ["tools"] = null,
    };

    private static JinjaDictionary Dictionary(params (string Key, object? Value)[] entries)
    {
        var result = new JinjaDictionary();
        foreach (var (key, value) in entries) result[key] = value;
        return result;
    }
}
