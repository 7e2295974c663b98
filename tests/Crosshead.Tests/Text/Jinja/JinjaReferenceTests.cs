using System.Text.Json;
using Crosshead.Tests.Text.Tokenizers;
using Crosshead.Text.Jinja;

namespace Crosshead.Tests.Text.Jinja;

public sealed class JinjaReferenceTests
{
    // Jinja renders these; here they are refused by name rather than rendered in another way.
    private static readonly HashSet<string> s_refused =
    [
        "{{ (-8) ** 0.5 }}", "{{ 5.real }}", "{{ 99999999999999999999 }}",
    ];

    [Fact]
    public void Every_template_gives_what_Jinja_makes_of_it()
    {
        var wrong = new List<string>();
        foreach (var row in TokenizerFixture.Read("jinja.json").EnumerateArray())
        {
            var (template, expected) = (row[0].GetString()!,
                s_refused.Contains(row[0].GetString()!) ? null : row[1].GetString());
            var (text, reason) = Rendered(template);
            if (text != expected)
                wrong.Add($"{JsonSerializer.Serialize(template)}: {JsonSerializer.Serialize(expected)} is expected, "
                    + $"not {JsonSerializer.Serialize(text)} {reason}");
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} differ:\n{string.Join('\n', wrong)}");
    }

    private static (string? Text, string Reason) Rendered(string template)
    {
        try
        {
            return (JinjaTemplate.Parse(template).Render(JinjaTemplateTests.Variables()), "");
        }
        catch (Exception e) when (e is JinjaException or CrossheadException)
        {
            return (null, e.Message);
        }
    }
}
