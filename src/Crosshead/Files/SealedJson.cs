using System.IO.Hashing;
using System.Text;
using System.Text.RegularExpressions;

namespace Crosshead.Files;

/// <summary>
/// A JSON object whose last member, <c>xxh128</c>, is the XXH128 of the text before it. So a number that changed on the
/// disk is noticed, although the file can still be read.
/// </summary>
internal static partial class SealedJson
{
    /// <summary>Adds the checksum to an indented object with members.</summary>
    public static string Seal(string json)
    {
        var content = json[..json.LastIndexOf('}')].TrimEnd();
        return $"{content},\n  \"xxh128\": \"{HashOf(content)}\"\n}}\n";
    }

    /// <summary>Checks the checksum. A text without one, as older versions wrote it, is accepted.</summary>
    /// <exception cref="CrossheadException">The text has another checksum than it says.</exception>
    public static void Check(string json, string name)
    {
        if (Checksum().Match(json) is { Success: true } match
            && HashOf(json[..match.Index]) is var hash && hash != match.Groups[1].Value)
            throw new CrossheadException(
                $"{name} was changed: its checksum is {hash}, and it was written with {match.Groups[1].Value}");
    }

    private static string HashOf(string content) =>
        Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(content)));

    [GeneratedRegex(""",\s*"xxh128": "([^"]*)"\s*}\s*$""")]
    private static partial Regex Checksum();
}
