using Crosshead.Generation;
using Crosshead.Text.Chat;
using Crosshead.Text.Chat.Answers;
using Crosshead.TextModels;

namespace Crosshead.Cli.Chat;

/// <summary>A model in this process.</summary>
internal sealed class ModelPartner : IChatPartner
{
    private readonly TextModel _model;
    private readonly GenerationOptions _options;
    private readonly ChatTemplate _template;
    private readonly AnswerFormat _format;

    /// <summary>Wraps a model, and disposes it in the end.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">How much is generated, and how.</param>
    /// <param name="template">Writes the conversation as text.</param>
    public ModelPartner(TextModel model, GenerationOptions options, ChatTemplate template)
    {
        (_model, _template) = (model, template);
        var format = AnswerFormat.Choose(template.Text, model.Tokenizer);
        _format = format.ThoughtEnd is null ? AnswerFormat.Plain : format; // there are no tools
        _options = options with { SkipsSpecialTokens = !_format.NeedsSpecialTokens };
    }

    /// <inheritdoc/>
    public string Name => _model.Source.Path;

    /// <inheritdoc/>
    public IEnumerable<ChatPiece> Reply(IReadOnlyList<ChatMessage> messages, CancellationToken cancellation)
    {
        var prompt = _template.Render(messages, addGenerationPrompt: true);
        var parser = new AnswerParser(_format, new AnswerParserOptions
        {
            BeginsInThought = _format.BeginsThought(prompt),
        });
        using var run = _model.Start(messages, _options, _template);
        StopReason? stop = null;
        foreach (var token in run.Tokens(cancellation))
        {
            foreach (var part in parser.Push(token.Text)) yield return Piece(part);
            stop = token.Stop;
        }
        foreach (var part in parser.Finish()) yield return Piece(part);
        if (stop == StopReason.Length) yield return Remarks.AtMostTokens(_options.MaxTokens);
        if (stop == StopReason.Context)
            yield return Remarks.FullContext($"model's context of {_model.Source.Options.Context} tokens");
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    private static ChatPiece Piece(AnswerPart part) => part switch
    {
        ContentPart said => new ChatPiece(said.Text),
        ReasoningPart thought => new ChatPiece(thought.Text, IsThought: true),
        _ => default,
    };
}
