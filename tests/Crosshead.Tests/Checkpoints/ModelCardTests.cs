using Crosshead.Checkpoints;
using Crosshead.Model;

namespace Crosshead.Tests.Checkpoints;

public sealed class ModelCardTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ModelCardTests() => Directory.CreateDirectory(_folder.File("half"));

    public void Dispose() => _folder.Dispose();

    private static ModelCard Card { get; } = new()
    {
        Summary = "A model with half of the cache.",
        Options = Composed,
        Tags = ["kv-cache-compression"],
        BaseModel = "org/name",
        Command = "crosshead compress name --out half",
        Facts = [("Method", "fine | svd"), ("Held-out loss", null)],
    };

    private static ModelOptions Composed => new()
    {
        Attention = new() { Variant = Crosshead.Attention.AttentionVariant.Mea },
    };

    private string Half => _folder.File("half");

    private string Text => File.ReadAllText(Path.Combine(Half, ModelCard.FileName));

    [Fact]
    public void The_card_says_what_is_known_and_nothing_else()
    {
        Card.Save(Half);
        Assert.Equal($"""
            ---
            library_name: crosshead
            pipeline_tag: text-generation
            base_model: org/name
            tags:
            - crosshead
            - kv-cache-compression
            ---

            # half

            A model with half of the cache.

            | | |
            |---|---|
            | Method | fine \| svd |
            | Crosshead | {ModelCard.Version} |

            ```
            crosshead compress name --out half
            ```

            <!-- crosshead: how to load -->
            ## How to load

            With Crosshead:

            ```
            crosshead generate half --prompt "…"
            ```

            Transformers runs a copy of the model with code of its own:

            ```
            crosshead export half --transformers half-hf
            ```
            <!-- crosshead: end -->

            """, Text);
        (Card with { BaseModel = null, Command = null, Options = new(), Tags = [] }).Save(Half);
        Assert.StartsWith("---\nlibrary_name: transformers\npipeline_tag: text-generation\ntags:\n- crosshead\n---\n",
            Text);
        Assert.DoesNotContain("```\ncrosshead compress", Text);
        Assert.Contains("from_pretrained(\"half\")", Text);
    }

    [Fact]
    public void A_card_of_the_user_stays_and_an_earlier_one_of_ours_does_not()
    {
        File.WriteAllText(Path.Combine(Half, ModelCard.FileName), "# Mine\n");
        Card.Save(Half);
        Assert.Equal("# Mine\n", Text);
        // The folder is replaced by another one.
        Directory.CreateDirectory(_folder.File("aside"));
        Card.Save(_folder.File("aside"), Half);
        Assert.Equal("# Mine\n", File.ReadAllText(_folder.File("aside/README.md")));

        File.Delete(Path.Combine(Half, ModelCard.FileName));
        Card.Save(Half);
        (Card with { Summary = "Another." }).Save(Half);
        Assert.Contains("Another.", Text);
        (Card with { Summary = "A third." }).Save(_folder.File("aside"), Half);
        Assert.Equal("# Mine\n", File.ReadAllText(_folder.File("aside/README.md"))); // it lay there
    }

    [Fact]
    public void A_copy_keeps_the_facts_of_the_original()
    {
        Card.Save(Half);
        Directory.CreateDirectory(_folder.File("copy"));
        var copy = Card with { Summary = "A copy.", CarriesCode = true };
        copy.SaveCopy(Half, _folder.File("copy"), _folder.File("half-hf"));
        var text = File.ReadAllText(_folder.File("copy/README.md"));
        Assert.Contains("A model with half of the cache.", text);
        Assert.Contains("library_name: transformers", text);
        Assert.Contains("from_pretrained(\"half-hf\", trust_remote_code=True)", text);
        Assert.DoesNotContain("--transformers half-hf", text);

        File.WriteAllText(Path.Combine(Half, ModelCard.FileName), "# Mine\n");
        copy.SaveCopy(Half, _folder.File("copy"), _folder.File("half-hf"));
        Assert.Equal("# Mine\n", File.ReadAllText(_folder.File("copy/README.md")));

        File.Delete(Path.Combine(Half, ModelCard.FileName));
        File.Delete(_folder.File("copy/README.md"));
        copy.SaveCopy(Half, _folder.File("copy"), _folder.File("half-hf"));
        Assert.Contains("A copy.", File.ReadAllText(_folder.File("copy/README.md")));
    }

    [Fact]
    public void The_published_model_is_what_the_configuration_names()
    {
        using (var model = new LanguageModel(new ModelOptions { VocabularySize = 8, HiddenSize = 16, Layers = 1 }))
            ModelDirectory.Save(Half, model);
        Assert.Null(ModelDescription.Of(Half).BaseModel);
        var path = Path.Combine(Half, "config.json");
        var json = File.ReadAllText(path);
        foreach (var (name, known) in new[] { ("org/name-1.5", true), ("/home/me/name", false), ("../name", false),
            ("name", false), ("models/org/name", false) })
        {
            File.WriteAllText(path, json.Replace("\"vocab_size\"", $"\"_name_or_path\": \"{name}\", \"vocab_size\""));
            Assert.Equal(known ? name : null, ModelDescription.Of(Half).BaseModel);
        }
    }
}
