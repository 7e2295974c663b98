using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Model;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;

namespace Crosshead.Tests.Training.Runs;

/// <summary>Recipes whose model is that of a directory.</summary>
public sealed class RunRecipeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_model_is_that_of_the_directory_whatever_its_variant()
    {
        foreach (var variant in new[] { AttentionVariant.Gqa, AttentionVariant.Mea, AttentionVariant.Differential })
        {
            var model = Save(TinyRun.With(variant).Model, $"{variant}");
            var recipe = RunRecipe.Load(Write("""{ "training": { "steps": 200 } }"""), [],
                new RunOptions { From = model });
            Assert.Equal((variant, 16, 2, 2), (recipe.Model.Attention.Variant, recipe.Model.HiddenSize,
                recipe.Model.Layers, recipe.Model.Attention.KeyValueHeads));
            recipe = Recipe.Parse(recipe.ToJson()); // as checkpoints record it
            Assert.Equal(variant, recipe.Model.Attention.Variant);
        }
    }

    [Fact]
    public void A_model_section_that_agrees_is_taken_and_one_that_contradicts_is_refused()
    {
        var model = Save(TinyRun.Recipe.Model, "model");
        Recipe Load(string section) => RunRecipe.Load(
            Write($$"""{ "model": {{section}}, "training": { "steps": 200 } }"""), [], new RunOptions { From = model });
        Assert.Equal(16, Load(
            """{ "hiddenSize": 16, "ropeBase": 1e4, "normEpsilon": 1e-5, "vocabularySize": 32, "layers": 2, "context": 16, "attention": { "heads": 4, "keyValueHeads": 2, "headNormStart": 1 } }""")
            .Model.HiddenSize);
        var error = Assert.Throws<CrossheadException>(
            () => Load("""{ "hiddenSize": 32, "attention": { "variant": "mea" } }""")).Message;
        Assert.Contains("model.hiddenSize is 32, not 16, model.attention.variant is \"mea\", not \"gqa\"; leave "
            + "\"model\" out", error);
        Assert.DoesNotContain('\n', error);
    }

    [Fact]
    public void A_recipe_without_a_model_needs_one_to_start_from()
    {
        var recipe = Write("""{ "training": { "steps": 200 } }""");
        Assert.Contains("describes no model: it is for a model that exists; name its directory with `From`",
            Assert.Throws<CrossheadException>(() => RunRecipe.Load(recipe, [], new RunOptions())).Message);
        Assert.Contains("is no model directory", Assert.Throws<CrossheadException>(
            () => RunRecipe.Load(recipe, [], new RunOptions { From = _folder.File("nowhere") })).Message);
    }

    [Fact]
    public void A_resumed_run_has_the_model_of_its_checkpoint()
    {
        var options = new RunOptions { Folder = _folder.File("run") };
        TinyRun.Trainer(TinyRun.With(AttentionVariant.Mea), options).Run();
        var recipe = RunRecipe.Load(Write("""{ "training": { "steps": 200 } }"""), [], options with { Resume = true });
        Assert.Equal((AttentionVariant.Mea, 32), (recipe.Model.Attention.Variant, recipe.Model.VocabularySize));
    }

    [Theory]
    [InlineData("training.trainable=keys,value",
        "training.trainable[1] (\"value\") is unknown; did you mean \"values\"?")]
    [InlineData("training.trainable=[]", "training.trainable is empty")]
    [InlineData("training.trainable=[1]", "training.trainable[0] (1) must be one of all, embeddings, ")]
    [InlineData("training.distillation.teacer=x", "did you mean \"teacher\"?")]
    [InlineData("training.distillation.weight=2", "training.distillation.weight (2) must be at most 1 and at least 0")]
    public void What_recovery_needs_is_checked(string change, string message) =>
        Assert.Contains(message, Assert.Throws<CrossheadException>(
            () => Recipe.Load(Write("""{ "training": { "steps": 200 } }"""), [change])).Message);

    [Fact]
    public void Lists_are_set_with_commas()
    {
        var recipe = Recipe.Load(Write("""{ "training": { "steps": 200 } }"""),
            ["training.trainable=keys, mixes", "data.folders=a,b"]);
        Assert.Equal([TrainablePart.Keys, TrainablePart.Mixes], recipe.Training.Trainable);
        Assert.Equal(["a", "b"], recipe.Data.Folders);
    }

    private string Save(ModelOptions options, string name)
    {
        using var model = new LanguageModel(options);
        ModelDirectory.Save(_folder.File(name), model);
        return _folder.File(name);
    }

    private string Write(string json)
    {
        File.WriteAllText(_folder.File("recipe.json"), json);
        return _folder.File("recipe.json");
    }
}
