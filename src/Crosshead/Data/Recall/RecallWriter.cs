using System.Text;

namespace Crosshead.Data.Recall;

/// <summary>Writes a text and remembers where its answers are.</summary>
/// <param name="random">Draws everything that the text says.</param>
internal sealed class RecallWriter(RecallRandom random)
{
    private readonly StringBuilder _text = new();
    private readonly List<RecallAnswer> _answers = [];

    /// <summary>Draws everything that the text says.</summary>
    public RecallRandom Random { get; } = random;

    /// <summary>Adds text that is no answer.</summary>
    public void Say(string text) => _text.Append(text);

    /// <summary>Adds a question, a space and the answer.</summary>
    public void Ask(string question, string answer)
    {
        _text.Append(question).Append(' ');
        _answers.Add(new(_text.Length, answer.Length));
        _text.Append(answer);
    }

    /// <summary>A random word.</summary>
    public string Word() => Random.OneOf(RecallWords.All);

    /// <summary>Different random words.</summary>
    public string[] Words(int count) => Random.Some(RecallWords.All, count);

    /// <summary>The items in random order.</summary>
    public T[] Shuffled<T>(IReadOnlyList<T> items) => Random.Some(items, items.Count);

    /// <summary>The text so far.</summary>
    public RecallText Written() => new(_text.ToString(), [.. _answers]);
}
