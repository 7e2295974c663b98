using System.Text.Json.Nodes;
using Crosshead.Checkpoints;
using Crosshead.Model;
using Crosshead.Tests.TextModels;

namespace Crosshead.Tests.Cli;

/// <summary>A small model as a directory and as a GGUF file, and commands on both.</summary>
public abstract class GgufCommands : IDisposable
{
    private protected TemporaryFolder Folder { get; } = new();

    protected GgufCommands()
    {
        Directory.CreateDirectory(Model);
        using var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 280,
            HiddenSize = 32,
            Layers = 2,
            Context = 64,
            InitializerRange = 0.3,
            Attention = new() { Heads = 4, KeyValueHeads = 2 },
        });
        model.Initialize(3);
        ModelDirectory.Save(Model, model);
        SmallTextModel.Tokenizer.Save(Model);
        File.WriteAllText(Path.Combine(Model, "chat_template.jinja"),
            "{% for m in messages %}{{ m.role }} {{ m.content }}\n{% endfor %}");
        Done("export", Model, "--gguf", Gguf);
    }

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected string Model => Folder.File("model");

    private protected string Gguf => Folder.File("model.gguf");

    private protected string Text => Folder.Write("text.txt", SmallTextModel.Text[..6000]);

    private protected (JsonObject Folder, JsonObject File) Both(string command, params string[] arguments) =>
        (Done([command, Model, .. arguments]).Json, Done([command, Gguf, .. arguments]).Json);

    private protected static CliRun Done(params string[] arguments)
    {
        var run = CliRun.Of(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
        return run;
    }
}
