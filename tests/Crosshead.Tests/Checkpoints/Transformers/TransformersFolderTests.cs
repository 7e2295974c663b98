using System.Diagnostics;
using System.Text.Json.Nodes;
using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Checkpoints.Transformers;
using Crosshead.Layers;
using Crosshead.Tests.Compression;
using static TorchSharp.torch;

namespace Crosshead.Tests.Checkpoints.Transformers;

public sealed class TransformersFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Folder => _folder.File("model");

    [Theory]
    [InlineData("window, biases, query-key norm")]
    [InlineData("groupnorm")]
    [InlineData("mea c < g")]
    [InlineData("mea c = g, norm per head")]
    [InlineData("mea-no-norm keys, query-key norm")]
    [InlineData("compressed")]
    [InlineData("compressed, query-key norm")]
    [InlineData("compressed by heads")]
    [InlineData("compressed, rotated in part, query-key norm")]
    [InlineData("differential")]
    public void The_files_alone_give_the_models_logits(string name)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = name != "differential" ? SmallModels.Create(name)
            : SmallModels.Create("gqa", change: o => o with
            {
                Attention = o.Attention with { Variant = AttentionVariant.Differential },
            });
        // Keys and tensors of crosshead, also for a model that a family expresses.
        TransformersFolder.Save(Folder, model);
        if (TransformersFolder.IsKnown(model.Options))
        {
            Assert.False(File.Exists(Path.Combine(Folder, "modeling_crosshead.py")));
            return;
        }
        using var reference = new ExportedReference(Folder);
        long[] ids = [.. SmallModels.Ids(14).Select(i => (long)i)];
        var expected = model.Logits(tensor(ids).unsqueeze(0))[0];
        Assert.True(TensorLeaks.RelativeError(reference.Logits(ids), expected) < 1e-10);
        var cached = Enumerable.Range(0, model.Options.Layers)
            .Sum(i => model.Options.AttentionOf(i).CacheLayoutFor(model.Options.HiddenSize).ElementsPerToken);
        Assert.Equal(cached, reference.Cached);
    }

    [Fact]
    public void Crosshead_reads_the_folder_too()
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        using var model = SmallModels.Create("compressed", change: o => o with
        {
            RopeScaling = new() { Kind = RopeScalingKind.Llama3, Factor = 4, OriginalContext = 16 },
            WindowRotary = new() { Base = 50 },
            Attention = o.Attention with { SlidingWindow = 4 },
            FullAttentionLayers = [1],
        });
        TransformersFolder.Save(Folder, model);
        using var again = ModelDirectory.Load(Folder, ScalarType.Float64);
        foreach (var (mine, its) in model.Parameters.Zip(again.Parameters))
            Assert.True(mine.Name == its.Name && SmallModels.Same(mine.Value, its.Value), mine.Name);
        var ids = tensor(SmallModels.Ids(14).Select(i => (long)i).ToArray()).unsqueeze(0);
        Assert.True(SmallModels.Same(model.Logits(ids), again.Logits(ids)));
        // What is read is written again, without what only Transformers needs.
        ModelDirectory.Save(_folder.File("own"), model);
        ModelDirectory.Save(_folder.File("again"), again);
        string Config(string name) => File.ReadAllText(Path.Combine(_folder.File(name), "config.json"));
        Assert.Equal(Config("own"), Config("again"));
    }

    [Fact]
    public void The_configuration_names_the_code_and_the_angles()
    {
        using var model = SmallModels.Create("compressed", change: o => o with
        {
            RotaryDims = 2,
            RopeScaling = new()
            {
                Kind = RopeScalingKind.LongRope,
                Factor = 4,
                OriginalContext = 8,
                ShortFactors = [2],
                LongFactors = [5],
            },
            WindowRotary = new() { Base = 50, Scaling = new() { QueryGrowth = 0.5, OriginalContext = 3 } },
            Attention = o.Attention with { SlidingWindow = 4 },
            FullAttentionLayers = [1],
        });
        TransformersFolder.Save(Folder, model);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "config.json")))!;
        Assert.Equal("configuration_crosshead.CrossheadConfig", (string)config["auto_map"]!["AutoConfig"]!);
        Assert.Equal("modeling_crosshead.CrossheadForCausalLM", (string)config["auto_map"]!["AutoModelForCausalLM"]!);
        Assert.Equal("""{"angles":[0.2],"magnitude":MAG,"short_angles":[0.5],"short_context":8}""".Replace("MAG",
            $"{Math.Sqrt(1 + (Math.Log(4) / Math.Log(8))):R}"), config["rotary"]!["usual"]!.ToJsonString());
        Assert.Equal("""{"angles":[1],"magnitude":1,"query_growth":0.5,"growth_context":3}""",
            config["rotary"]!["window"]!.ToJsonString());
        Assert.Equal(10000, (double)config["rope_parameters"]!["rope_theta"]!);
        Assert.Null(config["rope_theta"]);
        Assert.Null(config["rope_scaling"]);
        using var weights = SafetensorsReader.Open(Path.Combine(Folder, "model.safetensors"));
        Assert.Equal(model.Parameters.Select(p => p.Name).Order(StringComparer.Ordinal),
            weights.Tensors.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_code_is_python()
    {
        using var model = SmallModels.Create("compressed");
        TransformersFolder.Save(Folder, model);
        string[] files = [.. Directory.GetFiles(Folder, "*.py").Order(StringComparer.Ordinal)];
        Assert.Equal(["configuration_crosshead.py", "modeling_crosshead.py"], files.Select(Path.GetFileName));
        foreach (var file in files)
        {
            // Every module of ours that the code asks for is there.
            foreach (var line in File.ReadLines(file).Where(l => l.StartsWith("from .", StringComparison.Ordinal)))
                Assert.True(File.Exists(Path.Combine(Folder, line.Split(' ')[1][1..] + ".py")), line);
            Assert.All(File.ReadLines(file), line => Assert.InRange(line.Length, 0, 120));
        }
        Process? process = null;
        try
        {
            process = Process.Start(new ProcessStartInfo("python3", ["-m", "py_compile", .. files])
            {
                RedirectStandardError = true,
            });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("there is no python3 to compile the code with");
        }
        using (process)
        {
            var said = process!.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, said);
        }
    }

    [Fact]
    public void A_family_needs_no_code()
    {
        using var model = SmallModels.Create("gqa");
        TransformersFolder.Save(Folder, model);
        Assert.Equal(["config.json", "model.safetensors"],
            Directory.GetFiles(Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("llama", (string)JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "config.json")))!
            ["model_type"]!);
    }
}
