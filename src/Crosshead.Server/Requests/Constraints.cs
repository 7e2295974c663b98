using Crosshead.Serving;
using Crosshead.Serving.Constraints;
using Crosshead.Text.Chat.Answers;
using Crosshead.Text.Grammars;

namespace Crosshead.Server.Requests;

/// <summary>
/// The grammars of recent requests, compiled once, and the masks of the model's tokens. May be used by any number of
/// threads.
/// </summary>
/// <param name="model">The model whose answers are constrained.</param>
internal sealed class Constraints(ServedModel model)
{
    private const int Most = 128;
    private const int MostStates = 500_000; // of all grammars together, about 100 bytes each

    private readonly Lazy<TokenMasks> _masks = new(() => new TokenMasks(model.Tokenizer, model.VocabularySize));
    private readonly Dictionary<(AnswerFormat Format, string Key), Grammar> _known = [];
    private readonly Lock _lock = new();

    /// <summary>Makes the constraints of answers in some form.</summary>
    /// <param name="format">How the answers mark thoughts and tool calls.</param>
    /// <param name="form">What the form was asked for with; the same text for the same form.</param>
    /// <param name="compile">Compiles the form's grammar if it is not known.</param>
    /// <exception cref="CrossheadException">The form cannot be compiled.</exception>
    public Func<ITokenConstraint> Of(AnswerFormat format, string form, Func<Grammar> compile)
    {
        Grammar? grammar;
        var key = (format, form);
        lock (_lock) _known.TryGetValue(key, out grammar);
        if (grammar is null)
        {
            grammar = compile();
            lock (_lock)
            {
                if (_known.Count >= Most || _known.Values.Sum(g => g.Size) > MostStates) _known.Clear();
                _known[key] = grammar;
            }
        }
        var masks = _masks.Value;
        return () => new GrammarConstraint(grammar, masks);
    }
}
