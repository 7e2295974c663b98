using Crosshead.Text.Chat.Answers;

namespace Crosshead.Text.Grammars;

/// <summary>How a call with tags is written.</summary>
/// <param name="CallBegin">Before the name of the tool.</param>
/// <param name="NameEnd">Behind it.</param>
/// <param name="CallEnd">Behind all arguments.</param>
/// <param name="KeyBegin">Before the name of an argument.</param>
/// <param name="ValueBegin">Between the name and the value of an argument.</param>
/// <param name="ValueEnd">Behind the value.</param>
internal sealed record ArgumentTags(string CallBegin, string NameEnd, string CallEnd, string KeyBegin,
    string ValueBegin, string ValueEnd)
{
    /// <summary>Qwen 3 Coder's and Seed-OSS's.</summary>
    public static readonly ArgumentTags Parameters = new(XmlCallReader.FunctionBegin, ">\n", XmlCallReader.FunctionEnd,
        XmlCallReader.ParameterBegin, ">\n", $"\n{XmlCallReader.ParameterEnd}");

    /// <summary>GLM's.</summary>
    public static readonly ArgumentTags Pairs = new("", "\n", "", PairCallReader.KeyBegin,
        $"{PairCallReader.KeyEnd}\n{PairCallReader.ValueBegin}", PairCallReader.ValueEnd);
}
