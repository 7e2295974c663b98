using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using Crosshead.TextModels.Verification;
using static TorchSharp.torch;

namespace Crosshead.Tests.TextModels.Verification;

/// <summary>Stored results that cannot be a model's are refused before anything is computed.</summary>
public sealed class StoredResultsTests
{
    private static readonly ModelOptions s_model = new() { VocabularySize = 10, Context = 8 };

    [Fact]
    public void Results_of_the_model_are_read() => Read(tensors =>
    {
        tensors["prompt"] = tensor(new[] { 1L, 2 });
        tensors["greedy"] = tensor(new[] { 1L, 2, 3 });
    }, stored =>
    {
        Assert.Equal([1, 3], stored.Ids.shape);
        Assert.Equal([1, 2, 3], stored.Greedy!);
        Assert.Equal(2, stored.Prompt);
    });

    [Fact]
    public void Others_are_refused()
    {
        Refused(t => t.Remove("input_ids"), "has no tensor \"input_ids\"");
        Refused(t => t.Remove("logits"), "has no tensor \"logits\"");
        Refused(t => t["input_ids"] = tensor(new[] { 1L, 2, 10 }).reshape(1, 3), "the id 10, but the model's ids go "
            + "from 0 to 9");
        Refused(t => t["input_ids"] = tensor(new[] { 1L, 2, -1 }).reshape(1, 3), "input_ids has the id -1");
        Refused(t => t["input_ids"] = ones(1, 3), "input_ids has numbers of the type F32");
        Refused(t => t["input_ids"] = tensor(new[] { 1L, 2, 3 }), "input_ids has the shape [3]");
        Refused(t => t["input_ids"] = zeros(1, 0, ScalarType.Int64), "input_ids has the shape [1, 0]");
        Refused(t => t["input_ids"] = zeros(1, 9, ScalarType.Int64), "must be at most 8 tokens long");
        Refused(t => t["logits"] = zeros(1, 2, 10), "logits has the shape [1, 2, 10], but must be [1, 3, 10]");
        Refused(t => t["greedy"] = tensor(new[] { 1L, 2 }), "has no tensor \"prompt\"");
        Refused(t =>
        {
            t["prompt"] = tensor(new[] { 1L, 2 });
            t["greedy"] = tensor(new[] { 1L });
        }, "greedy (1 tokens) must be the prompt (2 tokens) and more");
        Refused(t =>
        {
            t["prompt"] = zeros(0, ScalarType.Int64);
            t["greedy"] = tensor(new[] { 1L });
        }, "must be the prompt (0 tokens) and more");
    }

    private static void Refused(Action<Dictionary<string, Tensor>> change, string told)
    {
        var message = Assert.Throws<CrossheadException>(() => Read(change, _ => { })).Message;
        Assert.Contains(told, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    private static void Read(Action<Dictionary<string, Tensor>> change, Action<StoredResults> check)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var tensors = new Dictionary<string, Tensor>
        {
            ["input_ids"] = tensor(new[] { 1L, 2, 3 }).reshape(1, 3),
            ["logits"] = zeros(1, 3, 10),
        };
        change(tensors);
        SafetensorsWriter.Write(folder.File("expected.safetensors"), tensors);
        check(StoredResults.Read(folder.File("expected.safetensors"), s_model));
    }
}
