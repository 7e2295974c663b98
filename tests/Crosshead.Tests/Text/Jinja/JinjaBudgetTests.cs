using Crosshead.Text.Jinja;

namespace Crosshead.Tests.Text.Jinja;

public sealed class JinjaBudgetTests
{
    // A list of lists whose leaves double with each step; two of them share nothing.
    private const string Doubled = "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(12) %}{% set ns.x = [ns.x, "
        + "ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}";

    private static readonly JinjaLimits s_limits =
        new() { Text = 100, Made = 2_000, Steps = 1_000, Output = 150, Depth = 5 };

    [Theory]
    [InlineData("{{ 'a' * 101 }}")]
    [InlineData("{{ 'a' * 60 + 'a' * 60 }}")]
    [InlineData("{{ 'a' * 60 ~ 'a' * 60 }}")]
    [InlineData("{{ ('a' * 20)|replace('a', 'bbbbbb') }}")]
    [InlineData("{{ ('a' * 60)|replace('', 'b') }}")]
    [InlineData("{{ ('a' * 20).replace('a', 'bbbbbb') }}")]
    [InlineData("{{ [1, 2, 3]|join('a' * 60) }}")]
    [InlineData("{{ ('a' * 60).join('bcd') }}")]
    [InlineData("{{ '%s%s' % ('a' * 60, 'a' * 60) }}")]
    [InlineData("{{ ('\\n' * 20)|indent(8, blank=true) }}")]
    [InlineData("{{ 'a'|indent(101) }}")]
    [InlineData("{{ ('<' * 30)|escape }}")]
    [InlineData("{{ ('ß' * 60)|upper }}")]
    [InlineData("{{ ('ß-' * 40)|title }}")]
    [InlineData("{{ ('ß-' * 40).title() }}")]
    [InlineData("{{ [1, 2]|tojson(indent=60) }}")]
    [InlineData("{{ ('\\x01' * 30)|tojson }}")]
    [InlineData("{{ ['\\x01' * 30] }}")]
    [InlineData("{{ range(60)|list }}")]
    [InlineData("{{ range(60)|list|string }}")]
    [InlineData("{% set x %}{% for i in range(60) %}ab{% endfor %}{% endset %}{{ x }}")]
    [InlineData("{% macro m() %}{% for i in range(60) %}ab{% endfor %}{% endmacro %}{{ m() }}")]
    [InlineData("{% filter upper %}{% for i in range(60) %}ab{% endfor %}{% endfilter %}")]
    public void A_text_may_be_so_long(string template) => Refused(template, "a text longer than 100 characters");

    [Theory]
    [InlineData(Doubled + "{{ ns.x }}")]
    [InlineData(Doubled + "{{ ns.x|tojson }}")]
    [InlineData(Doubled + "{{ ns.x|string|length }}")]
    [InlineData(Doubled + "{{ [ns.x]|join }}")]
    [InlineData(Doubled + "{{ '%s' % [ns.x] }}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(30) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=(1,)) %}{% for i in range(30) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{{ [1] * 1000 }}")]
    [InlineData("{{ (1, 2) * 9999999999 }}")]
    [InlineData("{% set x = 'a' * 50 %}{% for i in range(60) %}{% set y = x|upper %}{% endfor %}")]
    [InlineData("{% set x = 'a ' * 50 %}{% for i in range(60) %}{% set y = x.split() %}{% endfor %}")]
    [InlineData("{% set x = 'a' * 50 %}{% for i in range(60) %}{% set y = x[1:] %}{% endfor %}")]
    [InlineData("{% set x = range(50) %}{% for i in range(60) %}{% set y = x|list %}{% endfor %}")]
    public void Texts_and_lists_together_may_be_so_large(string template) =>
        Refused(template, "the template makes texts and lists of more than 2,000 characters",
            s_limits with { Text = 1_000_000, Output = 1_000_000 });

    [Theory]
    [InlineData(Doubled + "{{ ns.x == ns.y }}")]
    [InlineData(Doubled + "{{ ns.x < ns.y }}")]
    [InlineData(Doubled + "{{ ns.x in [ns.y] }}")]
    [InlineData(Doubled + "{{ [ns.x, ns.y]|sort }}")]
    [InlineData(Doubled + "{{ [ns.x].count(ns.y) }}")]
    [InlineData("{% for i in range(600) %}{{ '' }}{% endfor %}")]
    [InlineData("{% for i in range(600) if i < 0 %}{% endfor %}{% for i in range(600) if i < 0 %}{% endfor %}")]
    [InlineData("{{ range(2000)|map('string')|select('eq', 'x')|first }}")]
    [InlineData("{{ 2000 in range(2000) }}")]
    [InlineData("{{ range(2000)|sum }}")]
    public void A_template_may_take_so_many_steps(string template) =>
        Refused(template, "the template takes more than 1,000 steps",
            s_limits with { Made = 1_000_000, Text = 1_000_000 });

    [Fact]
    public void A_template_may_put_out_so_much() =>
        Refused("{% for i in range(60) %}abc{% endfor %}", "the template puts out more than 150 characters");

    [Fact]
    public void Macros_may_call_each_other_so_deep() =>
        Refused("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "more than 5 deep");

    [Fact]
    public void A_template_may_take_so_long() => Refused("{{ 1 }}", "seconds", s_limits with { Seconds = -1 });

    [Fact]
    public void Generators_within_generators_are_no_overflow_of_the_stack() => Refused(
        "{% set ns = namespace(x=['a']) %}{% for i in range(50000) %}{% set ns.x = ns.x|map('trim') %}{% endfor %}{{ "
            + "ns.x|list }}", "nest too deeply, more than 1,000", new JinjaLimits());

    [Fact]
    public void As_many_generators_as_the_limits_allow_may_wait_for_each_other() => Assert.Equal("['a']", Render(
        "{% set ns = namespace(x=['a']) %}{% for i in range(1000) %}{% set ns.x = ns.x|map('trim') %}{% endfor %}{{ "
            + "ns.x|list }}", new JinjaLimits()));

    [Fact]
    public void What_is_within_the_limits_is_rendered()
    {
        Assert.Equal(new string('a', 100), Render("{{ 'a' * 100 }}", s_limits));
        Assert.Equal("True", Render(Doubled + "{{ ns.x == ns.x }}", s_limits));
        Assert.Equal("[1, 1, 1]", Render("{{ [1] * 3 }}", s_limits));
    }

    [Fact]
    public void A_long_text_is_found_as_a_short_one_is()
    {
        var part = new string('a', 50) + "b" + new string('a', 50);
        var text = new string('a', 80) + part + part + "a";
        Assert.Equal(text.IndexOf(part, StringComparison.Ordinal), JinjaSubstring.IndexOf(text, part));
        Assert.Equal(text.LastIndexOf(part, StringComparison.Ordinal), JinjaSubstring.LastIndexOf(text, part));
        Assert.Equal(2, JinjaSubstring.Count(text, part));
        Assert.Equal(-1, JinjaSubstring.IndexOf(text, part + part + "c"));
        Assert.Equal(-1, JinjaSubstring.LastIndexOf(text, "c" + part));
    }

    private static void Refused(string template, string message, JinjaLimits? limits = null) =>
        Assert.Contains(message, Assert.Throws<JinjaException>(() => Render(template, limits ?? s_limits)).Message,
            StringComparison.Ordinal);

    private static string Render(string template, JinjaLimits limits) =>
        JinjaTemplate.Parse(template).Render([], limits);
}
