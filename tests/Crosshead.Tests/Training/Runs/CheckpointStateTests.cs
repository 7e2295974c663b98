using System.Text.Json.Nodes;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;

namespace Crosshead.Tests.Training.Runs;

/// <summary>A checkpoint's state that is damaged is refused in one line, and a whole one comes back.</summary>
public sealed class CheckpointStateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointState _state = new()
    {
        Step = 3,
        Tokens = 3 * 8 * 256, // of three steps of the default recipe
        Position = JsonNode.Parse("""{"Epoch":0,"Index":3}""")!,
        Spike = new SpikeState(3, 2, 0.1, 2, null),
        Recipe = new Recipe { Name = "r", Training = new TrainingOptions { Steps = 1000 } },
        RecipeHash = "r",
        DataHash = "d",
        TokenizerHash = "t",
        Version = "1",
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_whole_state_comes_back() =>
        Assert.Equal(_state.ToJson(), Read(JsonNode.Parse(_state.ToJson())!.ToJsonString()).ToJson());

    [Theory]
    [InlineData("position", "null")]
    [InlineData("spike", "null")]
    [InlineData("recipe", "null")]
    [InlineData("recipe.model", "null")]
    [InlineData("recipe.training", "null")]
    [InlineData("recipe.training.learningRate", "1e999")]
    [InlineData("recipe.training.batch", "0")]
    [InlineData("recipe.name", "\"\\ud800\"")]
    [InlineData("version", "null")]
    [InlineData("step", "\"x\"")]
    [InlineData("step", "99999999999999999999")]
    public void A_damaged_state_is_refused(string place, string value)
    {
        var document = JsonNode.Parse(_state.ToJson())!;
        var names = place.Split('.');
        names[..^1].Aggregate(document, (node, name) => node[name]!)[names[^1]] = "HERE";
        var message = Assert.Throws<CrossheadException>(
            () => Read(document.ToJsonString().Replace("\"HERE\"", value))).Message;
        Assert.StartsWith($"the checkpoint \"{_folder.Path}\" cannot be read: ", message);
        Assert.DoesNotContain('\n', message);
    }

    private CheckpointState Read(string json)
    {
        File.WriteAllText(_folder.File(CheckpointState.FileName), json);
        return CheckpointState.Read(_folder.Path);
    }
}
