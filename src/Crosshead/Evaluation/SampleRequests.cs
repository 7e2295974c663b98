using Crosshead.Evaluation.Scoring;
using Crosshead.Evaluation.Tasks;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Evaluation;

/// <summary>
/// The requests to a model about samples, in its own tokens. They need only the tokenizer, so rows can be checked
/// before a model is loaded.
/// </summary>
public sealed class SampleRequests
{
    private readonly RequestEncoder _encoder;
    private readonly Func<TaskPrompt, string>? _chat;
    private readonly int _context;

    /// <summary>Prepares to ask a model.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="context">Maximum number of tokens of the model.</param>
    /// <param name="options">How it is asked the tasks.</param>
    /// <exception cref="CrossheadException">A begin token is asked for, and the tokenizer has none.</exception>
    public SampleRequests(Tokenizer tokenizer, int context, EvaluationOptions options) =>
        (_encoder, _chat, _context) = (new RequestEncoder(tokenizer, context, options.AddBegin), options.Chat, context);

    /// <summary>Makes all requests for a task's samples, as a check, and keeps none.</summary>
    /// <param name="data">The samples.</param>
    /// <param name="progress">Called with the number of finished samples.</param>
    /// <param name="cancellation">Stops between samples.</param>
    /// <exception cref="CrossheadException">A sample cannot be asked; the message names its row.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Check(TaskData data, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        for (var i = 0; i < data.Samples.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            _ = data.Task.Kind switch
            {
                TaskKind.Generation => Prompt(data.Samples[i], Room(data.Task)).Tokens.Length,
                TaskKind.Text => Windows(data.Samples[i]).Length,
                _ => Choices(data.Samples[i]).Length,
            };
            progress?.Invoke(i + 1);
        }
    }

    /// <summary>
    /// Maximum number of tokens of an answer. If the context has no room for a whole answer, prompt and answer get half
    /// of it each.
    /// </summary>
    public int Room(EvaluationTask task) => Math.Min(task.MaxTokens, Math.Max(1, _context / 2));

    /// <summary>A request for each choice.</summary>
    /// <exception cref="CrossheadException">A continuation has no token of its own; the message names the
    /// row.</exception>
    public ScoringRequest[] Choices(TaskSample sample) =>
        Named(sample, () => sample.Choices.Select(choice => _chat is { } chat
            ? _encoder.Encode(chat(choice.Prompt), choice.Continuation.TrimStart(' '))
            : _encoder.Encode(choice.Prompt.ToText(), choice.Continuation)).ToArray());

    /// <summary>The requests for a whole text.</summary>
    /// <exception cref="CrossheadException">The text has no tokens; the message names the row.</exception>
    public ScoringRequest[] Windows(TaskSample sample) =>
        Named(sample, () => _encoder.EncodeText(sample.Choices[0].Text).ToArray());

    /// <summary>The prompt that a writing model continues.</summary>
    /// <param name="sample">The sample.</param>
    /// <param name="room">Tokens that must stay free for the answer.</param>
    /// <exception cref="CrossheadException">Nothing stands before the answer; the message names the row.</exception>
    public (int[] Tokens, bool Truncated) Prompt(TaskSample sample, int room) =>
        Named(sample,
            () => _encoder.EncodePrompt(_chat is { } chat ? chat(sample.Prompt!) : sample.Prompt!.ToText(), room));

    private static T Named<T>(TaskSample sample, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (CrossheadException e) when (sample.Place is { } place)
        {
            throw new CrossheadException($"{place}: {e.Message}", e);
        }
    }
}
