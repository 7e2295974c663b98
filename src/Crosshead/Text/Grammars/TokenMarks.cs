using Crosshead.Text.Tokenizers;

namespace Crosshead.Text.Grammars;

/// <summary>Marks of an answer's parts, such as <c>&lt;tool_call&gt;</c>. Some are special tokens.</summary>
internal sealed class TokenMarks(GrammarBuilder builder, Tokenizer tokenizer)
{
    /// <summary>A mark.</summary>
    public GrammarPart Mark(string mark) => SpecialId(mark) is { } id ? builder.Special(id) : builder.Text(mark);

    /// <summary>Any text without a mark, and then the mark, which has no surrogate pairs.</summary>
    public GrammarPart UpTo(string mark)
    {
        if (SpecialId(mark) is { } id)
            return GrammarBuilder.Sequence(builder.Star(CharacterSet.All.In(builder)), builder.Special(id));
        // One state for each number of the mark's characters that have just been read.
        var known = mark.Distinct().ToArray();
        var other = CharacterSet.Of(new string(known)).Not().In(builder);
        return from =>
        {
            var states = Enumerable.Range(0, mark.Length + 1).Select(_ => builder.NewState()).ToArray();
            builder.Jumps.Add((from, states[0]));
            for (var read = 0; read < mark.Length; read++)
            {
                builder.Jumps.Add((other(states[read]), states[0]));
                foreach (var c in known)
                    builder.Jumps.Add((builder.Text(c.ToString())(states[read]), states[Read(mark[..read] + c)]));
            }
            return states[^1];
        };

        // How many characters of the mark a text ends with.
        int Read(string text) => Enumerable.Range(0, text.Length + 1).Select(at => text.Length - at)
            .First(count => text.EndsWith(mark[..count], StringComparison.Ordinal));
    }

    private int? SpecialId(string mark) =>
        tokenizer.TokenToId(mark) is { } id && tokenizer.IsSpecial(id) ? id : null;
}
