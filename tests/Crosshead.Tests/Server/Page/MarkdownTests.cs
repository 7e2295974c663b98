using System.Globalization;

namespace Crosshead.Tests.Server.Page;

/// <summary>What the page's script makes of Markdown.</summary>
[Collection(ChatPageCollection.Name)]
public sealed class MarkdownTests(ChatBrowser browser)
{
    private static readonly (string Text, string Blocks)[] s_blocks =
    [
        ("", "[]"),
        ("a\nb\n\nc", """[{"kind":"paragraph","text":"a\nb"},{"kind":"paragraph","text":"c"}]"""),
        ("# One\n### Two #\n####### no",
            """
            [{"kind":"heading","level":3,"text":"One"},{"kind":"heading","level":4,"text":"Two"},
            {"kind":"paragraph","text":"####### no"}]
            """),
        ("```js\nlet a;\n\n# b\n```\nafter",
            """[{"kind":"code","language":"js","text":"let a;\n\n# b"},{"kind":"paragraph","text":"after"}]"""),
        ("~~~~\n~~~\n~~~~", """[{"kind":"code","language":"","text":"~~~"}]"""),
        ("```\nopen", """[{"kind":"code","language":"","text":"open"}]"""),
        ("***\n- - -\n--", """[{"kind":"rule"},{"kind":"rule"},{"kind":"paragraph","text":"--"}]"""),
        ("> a\n> > b", """
            [{"kind":"quote","blocks":[{"kind":"paragraph","text":"a"},
            {"kind":"quote","blocks":[{"kind":"paragraph","text":"b"}]}]}]
            """),
        ("- a\n  - b\n- c\nd", """
            [{"kind":"list","ordered":false,"start":1,"items":[[{"kind":"paragraph","text":"a"},
            {"kind":"list","ordered":false,"start":1,"items":[[{"kind":"paragraph","text":"b"}]]}],
            [{"kind":"paragraph","text":"c\nd"}]]}]
            """),
        ("3. a\n4. b\n\nc", """
            [{"kind":"list","ordered":true,"start":3,"items":[[{"kind":"paragraph","text":"a"}],
            [{"kind":"paragraph","text":"b"}]]},{"kind":"paragraph","text":"c"}]
            """),
        ("1. a\n   ```\n   x\n     y\n   ```", """
            [{"kind":"list","ordered":true,"start":1,"items":[[{"kind":"paragraph","text":"a"},
            {"kind":"code","language":"","text":"x\n  y"}]]}]
            """),
        ("It was\n1986. A year\n1. one", """
            [{"kind":"paragraph","text":"It was\n1986. A year"},
            {"kind":"list","ordered":true,"start":1,"items":[[{"kind":"paragraph","text":"one"}]]}]
            """),
        ("a | b\n:-: | --:\n1 | 2 | 3\n`x\\|y`\n\nc", """
            [{"kind":"table","columns":["center","right"],"head":["a","b"],"rows":[["1","2"],["`x|y`",""]]},
            {"kind":"paragraph","text":"c"}]
            """),
        ("So:\n| a |\n|---|\n| **b** |\n# c", """
            [{"kind":"paragraph","text":"So:"},{"kind":"table","columns":["left"],"head":["a"],"rows":[["**b**"]]},
            {"kind":"heading","level":3,"text":"c"}]
            """),
        ("a | b\n---|---|---", """[{"kind":"paragraph","text":"a | b\n---|---|---"}]"""),
        ("a | b\n--- c|---", """[{"kind":"paragraph","text":"a | b\n--- c|---"}]"""),
        ("a | b", """[{"kind":"paragraph","text":"a | b"}]"""),
        ("* a\r\n* b", """
            [{"kind":"list","ordered":false,"start":1,"items":[[{"kind":"paragraph","text":"a"}],
            [{"kind":"paragraph","text":"b"}]]}]
            """),
    ];

    private static readonly (string Text, string Spans)[] s_spans =
    [
        ("plain", """["plain"]"""),
        ("a **b** c", """["a ",{"kind":"strong","spans":["b"]}," c"]"""),
        ("*a* _b_ __c__", """
            [{"kind":"emphasis","spans":["a"]}," ",{"kind":"emphasis","spans":["b"]}," ",
            {"kind":"strong","spans":["c"]}]
            """),
        ("***a***", """[{"kind":"strong","spans":[{"kind":"emphasis","spans":["a"]}]}]"""),
        ("**a*", """["*",{"kind":"emphasis","spans":["a"]}]"""),
        ("snake_case_name 2 * 3 * 4", """["snake_case_name 2 * 3 * 4"]"""),
        ("**open", """["**open"]"""),
        ("*a **b* c**", """[{"kind":"emphasis","spans":["a *",{"kind":"emphasis","spans":["b"]}," c"]},"*"]"""),
        ("`a*b*` ``c`d`` `open", """[{"kind":"code","text":"a*b*"}," ",{"kind":"code","text":"c`d"}," `open"]"""),
        (@"\*a\* \q", """["*a* \\q"]"""),
        ("[a *b*](https://c.example/d_(e)?f=1 \"g\")", """
            [{"kind":"link","href":"https://c.example/d_(e)?f=1","spans":["a ",{"kind":"emphasis","spans":["b"]}]}]
            """),
        ("<http://a.example/>", """[{"kind":"link","href":"http://a.example/","spans":["http://a.example/"]}]"""),
        ("![a](https://b.example/c.png)", """[{"kind":"link","href":"https://b.example/c.png","spans":["a"]}]"""),
        ("[a](javascript:alert(1))", """["[a](javascript:alert(1))"]"""),
        ("[a](data:text/html,b) [c](/d) [e](//f.example)",
            """["[a](data:text/html,b) [c](/d) [e](//f.example)"]"""),
        ("<b>c</b>", """["<b>c</b>"]"""),
    ];

    [Fact]
    public Task Texts_become_blocks() => CompareAsync("blocksOf", s_blocks);

    [Fact]
    public Task Lines_become_spans() => CompareAsync("spansOf", s_spans);

    // Each is read in a moment; with steps that grow with the square of the length none would end.
    [Fact]
    public async Task Odd_texts_come_to_an_end()
    {
        var chat = await browser.ScriptsAsync();
        foreach (var piece in (string[])["*a", "**", "_", "[", "[a](", "`", "`` ` ", "> ", "- ", "<http", "![", "#",
            "|", "|-", "a|\n-|\n"])
        {
            var spans = await chat.CallAsync("page.blocksOf(given.repeat(500000 / given.length))"
                + ".flatMap(b => page.spansOf(b.text ?? '')).length", piece).WaitAsync(TimeSpan.FromMinutes(2));
            Assert.True(int.Parse(spans, CultureInfo.InvariantCulture) >= 0);
        }
    }

    private async Task CompareAsync(string function, (string Text, string Expected)[] cases)
    {
        var chat = await browser.ScriptsAsync();
        foreach (var (text, expected) in cases)
            Assert.Equal(expected.ReplaceLineEndings("").Trim(), await chat.CallAsync($"page.{function}(given)", text));
    }
}
