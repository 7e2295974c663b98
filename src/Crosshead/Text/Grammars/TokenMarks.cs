using System.Text;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Text.Grammars;

/// <summary>Marks of an answer's parts, such as <c>&lt;tool_call&gt;</c>. Some are special tokens.</summary>
internal sealed class TokenMarks(GrammarBuilder builder, Tokenizer tokenizer)
{
    /// <summary>A mark.</summary>
    public GrammarPart Mark(string mark) => SpecialId(mark) is { } id ? builder.Special(id) : builder.Text(mark);

    /// <summary>Any text without a mark, and then the mark.</summary>
    public GrammarPart UpTo(string mark)
    {
        var characters = CharacterSet.All.In(builder);
        if (SpecialId(mark) is { } id)
            return GrammarBuilder.Sequence(builder.Star(characters), builder.Special(id));
        // One state for each number of the mark's bytes that have just been read.
        var bytes = Encoding.UTF8.GetBytes(mark);
        return from =>
        {
            var states = Enumerable.Range(0, bytes.Length + 1).Select(_ => builder.NewState()).ToArray();
            builder.Jumps.Add((from, states[0]));
            for (var read = 0; read < bytes.Length; read++)
                for (byte value = 0; value < GrammarBuilder.SpecialMark; value++)
                    builder.Ranges.Add((states[read], value, value, states[Read(bytes, read, value)]));
            return states[^1];
        };
    }

    // How many bytes of the mark the last bytes are: those read before, and one more.
    private static int Read(byte[] mark, int read, byte value)
    {
        byte[] last = [.. mark[..read], value];
        var count = last.Length;
        while (!last.AsSpan(last.Length - count).SequenceEqual(mark.AsSpan(0, count))) count--;
        return count;
    }

    private int? SpecialId(string mark) =>
        tokenizer.TokenToId(mark) is { } id && tokenizer.IsSpecial(id) ? id : null;
}
