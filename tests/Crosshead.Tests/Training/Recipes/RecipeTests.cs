using Crosshead.Attention;
using Crosshead.Model;
using Crosshead.Tests.Architecture;
using Crosshead.Tests.Training.Runs;
using Crosshead.Training.Recipes;

namespace Crosshead.Tests.Training.Recipes;

public sealed class RecipeTests
{
    [Fact]
    public void A_layer_may_be_left_whole_beside_compressed_ones()
    {
        var recipe = new Recipe
        {
            Model = new ModelOptions
            {
                VocabularySize = 32,
                HiddenSize = 16,
                Layers = 2,
                Context = 8,
                Attention = new AttentionOptions { Heads = 4 },
                VirtualHeads = [null, new VirtualHeads { KeyComponents = 2 }],
            },
            Training = new TrainingOptions { Steps = 10, Schedule = new ScheduleOptions { WarmupSteps = 0 } },
        };
        recipe.Validate();
        Assert.Equal(recipe.Model.VirtualHeads, Recipe.Parse(recipe.ToJson()).Model.VirtualHeads);
    }

    [Fact]
    public void A_recipe_comes_back_from_its_json()
    {
        var recipe = TinyRun.With(AttentionVariant.Mea, "bfloat16");
        Assert.Equal(recipe.ToJson(), Recipe.Parse(recipe.ToJson()).ToJson());
    }

    [Fact]
    public void Overrides_are_set_last_and_derived_recipes_change_what_they_name()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("base.json"),
            """{ "model": { "layers": 3, "attention": { "heads": 4 } }, "training": { "steps": 50, "batch": 2 } }""");
        File.WriteAllText(folder.File("derived.json"),
            """{ "extends": "base.json", "model": { "attention": { "variant": "mea" } } }""");
        var recipe = Recipe.Load(folder.File("derived.json"), ["training.batch=16", "training.learningRate=3e-3",
            "training.schedule.kind=wsd", "training.schedule.warmupSteps=5"]);
        Assert.Equal((3, 4, AttentionVariant.Mea),
            (recipe.Model.Layers, recipe.Model.Attention.Heads, recipe.Model.Attention.Variant));
        Assert.Equal((50L, 16, 3e-3),
            (recipe.Training.Steps!.Value, recipe.Training.Batch, recipe.Training.LearningRate));
        Assert.Equal(ScheduleKind.Wsd, recipe.Training.Schedule.Kind);
    }

    [Theory]
    [InlineData("""{ "training": { "learningrat": 1 } }""", "did you mean \"learningRate\"?")]
    [InlineData("""{ "modle": { } }""", "did you mean \"model\"?")]
    [InlineData("""{ "training": { "batch": "eight" } }""", "training.batch")]
    [InlineData("""{ "training": { "batch": 0 } }""", "training.batch")]
    [InlineData("""{ "training": { "beta1": 1.5 } }""", "training.beta1")]
    [InlineData("""{ "training": { "batch": 2.5 } }""", "training.batch")]
    [InlineData("""{ "training": { "seed": 18446744073709551616 } }""", "is beyond the whole numbers of 64 bits")]
    [InlineData("""{ "training": { "dtype": "fp16" } }""", "training.dtype")]
    [InlineData("""{ "model": { "attention": { "variant": "mae" } } }""", "did you mean \"mea\"?")]
    [InlineData(
        """{ "model": { "attention": { "heads": 12, "keyValueHeads": 5 } }, "training": { "steps": 1, "schedule": { "warmupSteps": 0 } } }""",
        "heads (12) must be a multiple of keyValueHeads (5)")]
    [InlineData("""{ "training": { "steps": 10, "schedule": { "warmupSteps": 20 } } }""",
        "warmupSteps (20) must be less than the run's steps (10)")]
    [InlineData("""{ "training": { } }""", "neither training.steps nor training.tokens is set")]
    [InlineData("""{ "data": { "context": 900 }, "training": { "steps": 1000 } }""",
        "data.context (900) is more than model.context (256)")]
    [InlineData("""{ "model": { "context": 1000000 }, "training": { "steps": 1000, "batch": 1000000 } }""",
        "use a batch of at most 2147")]
    [InlineData("""{ "model": { "context": 2147483647 }, "training": { "steps": 1000, "batch": 1 } }""",
        "the context (2147483647) is too many tokens to train on; use at most 2147483591.")]
    [InlineData("""{ "training": """, "recipe.json")]
    [InlineData("""[1, 2]""", "recipe.json")]
    public void A_recipe_that_is_wrong_is_refused_in_one_line(string json, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("recipe.json"), json);
        var error = Assert.Throws<CrossheadException>(() =>
        {
            var recipe = Recipe.Load(folder.File("recipe.json"));
            recipe.Validate();
        });
        Assert.Contains(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("training.batch", "training.batch")]
    [InlineData("training.bacth=2", "did you mean \"batch\"?")]
    [InlineData("training.batch=many", "training.batch")]
    [InlineData("=3", "=3")]
    public void An_override_that_is_wrong_is_refused(string change, string message)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("recipe.json"), """{ "training": { "steps": 50 } }""");
        Assert.Contains(message, Assert.Throws<CrossheadException>(
            () => Recipe.Load(folder.File("recipe.json"), [change]).Validate()).Message);
    }

    [Fact]
    public void Missing_recipes_and_circles_are_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("does not exist",
            Assert.Throws<CrossheadException>(() => Recipe.Load(folder.File("none.json"))).Message);
        File.WriteAllText(folder.File("a.json"), """{ "extends": "b.json" }""");
        File.WriteAllText(folder.File("b.json"), """{ "extends": "a.json" }""");
        var error = Assert.Throws<CrossheadException>(() => Recipe.Load(folder.File("a.json")));
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void Only_recipes_are_named_where_one_is_missing()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), """{ "model_type": "llama", "hidden_size": 64 }""");
        File.WriteAllText(folder.File("list.json"), "[1]");
        File.WriteAllText(folder.File("nothing.json"), "{}");
        Directory.CreateDirectory(folder.File("folder.json"));
        Assert.EndsWith("does not exist; name a .json file.",
            Assert.Throws<CrossheadException>(() => Recipe.Load(folder.File("tiny.json"))).Message);
        Assert.EndsWith("is a folder; name a .json file.",
            Assert.Throws<CrossheadException>(() => Recipe.Load(folder.File("folder.json"))).Message);
        File.WriteAllText(folder.File("tinny.json"), """{ "training": { "steps": -1 } } // a value is wrong""");
        File.WriteAllText(folder.File("other.json"), """{ "extends": "gone.json" }""");
        Assert.EndsWith("does not exist; did you mean \"tinny.json\"? known: other.json, tinny.json.",
            Assert.Throws<CrossheadException>(() => Recipe.Load(folder.File("tiny.json"))).Message);
    }

    [Fact]
    public void The_recipes_of_the_repository_are_valid()
    {
        var recipes = Directory.GetFiles(Repository.Path("recipes"), "*.json")
            .Where(f => !f.EndsWith("schema.json", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(recipes);
        Assert.All(recipes, r => Recipe.Load(r).Validate());
    }

    [Fact]
    public void The_schema_in_the_repository_is_that_of_the_types() =>
        Snapshot.MatchFile(Repository.Path("recipes/recipe.schema.json"), RecipeReference.Schema());

    [Fact]
    public void The_reference_of_recipes_is_that_of_the_types()
    {
        var path = Repository.Path("docs/recipes.md");
        var page = File.ReadAllText(path);
        Snapshot.MatchFile(path, page[..(page.IndexOf(RecipeReference.Begin, StringComparison.Ordinal)
            + RecipeReference.Begin.Length)] + RecipeReference.Markdown());
    }

    [Fact]
    public void Every_key_of_a_recipe_is_explained_to_its_users()
    {
        var keys = RecipeReference.Keys().ToArray();
        Assert.True(keys.Length > 60);
        Assert.All(keys, k => Assert.Matches(@"^[A-ZΑ-Ω].*\.$", k.Meaning));
        Assert.DoesNotContain(keys, k => k.Meaning.Contains("cref", StringComparison.Ordinal));
    }
}
