using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Evaluation;
using Crosshead.Evaluation.Results;
using Crosshead.Evaluation.Tasks;
using Crosshead.Tests.TextModels;
using Crosshead.TextModels;
using static TorchSharp.torch;

namespace Crosshead.Tests.Evaluation;

/// <summary>Tasks put to models in folders, and the models beside each other.</summary>
public sealed class EvaluationRunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Models_are_asked_one_after_the_other_and_compared_with_the_first()
    {
        SmallTextModel.Save(_folder.File("a"));
        SmallTextModel.Save(_folder.File("b"), new TextTokens(null, [5]));
        var (run, seen) = (Run("a", "b"), new List<EvaluationProgress>());
        run.Validate();
        var models = run.Run(new ImmediateProgress<EvaluationProgress>(seen.Add),
            TestContext.Current.CancellationToken);

        Assert.Equal(["a", "b"], models.Select(m => m.Name));
        Assert.Equal(run.Models[0].WeightsHash, models[1].Weights); // the same weights
        var stages = seen.Select(p => (p.Model, p.Stage)).Distinct();
        Assert.Equal([("a", EvaluationStage.Checking), ("b", EvaluationStage.Checking), ("a", EvaluationStage.Asking),
            ("a", EvaluationStage.Done), ("b", EvaluationStage.Asking), ("b", EvaluationStage.Done)], stages);
        Assert.Equal(models.Select(m => m.Results[0]),
            seen.Where(p => p.Stage == EvaluationStage.Done).Select(p => p.Result));

        var row = Assert.Single(Assert.Single(Comparison.Of(models).Groups).Rows);
        Assert.Equal(2, row.Samples);
        Assert.Null(row.Scores[0].Difference);
        Assert.Equal((0, row.Scores[0].Value), (row.Scores[1].Difference, row.Scores[1].Value));
    }

    [Fact]
    public void What_was_answered_before_is_known_to_the_same_model_alone()
    {
        SmallTextModel.Save(_folder.File("a"));
        SmallTextModel.Save(_folder.File("b"), new TextTokens(null, [5])); // another configuration
        int Known(string model) =>
            Run(model).Run(cancellation: TestContext.Current.CancellationToken)[0].Results[0].FromCache;
        Assert.Equal([0, 4, 0], [Known("a"), Known("a"), Known("b")]);
    }

    [Fact]
    public void A_model_that_cannot_be_asked_is_refused_before_any_is_loaded()
    {
        SmallTextModel.Save(_folder.File("a"));
        Assert.Contains("has no chat template",
            Assert.Throws<CrossheadException>(() => Run("a", chat: true).Validate()).Message);
        Assert.Contains("named 2 times", Assert.Throws<CrossheadException>(() => Run("a", "a").Run()).Message);
    }

    private EvaluationRun Run(string model, string? other = null, bool chat = false) => new()
    {
        Models = [.. new[] { model, other }.OfType<string>().Select(m => ModelSource.Open(_folder.File(m)))],
        Tasks = [Task()],
        Type = ScalarType.Float32,
        Device = CPU,
        ApplyChatTemplate = chat,
        CacheFolder = _folder.File("responses"),
    };

    private (EvaluationTask, TaskData) Task()
    {
        Directory.CreateDirectory(_folder.File("data/piqa"));
        File.WriteAllLines(_folder.File("data/piqa/validation.jsonl"), Enumerable.Range(1, 2).Select(i =>
            $$"""{"goal":"word{{i}}","sol1":"and {{i}}","sol2":"word{{i + 1}}","label":0}"""));
        var task = TaskCatalog.Load(null).Resolve(["piqa"]).Single();
        return (task, TaskData.Load(task, _folder.File("data"), 0, null));
    }
}
