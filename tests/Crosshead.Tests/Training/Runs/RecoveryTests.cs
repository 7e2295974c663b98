using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Model;
using Crosshead.Text.Tokenizers.Training;
using Crosshead.Training.Recipes;
using Crosshead.Training.Runs;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Tests.Training.Runs;

/// <summary>
/// Training that starts from another model: what is trained of it, and what it learns from the original.
/// </summary>
public sealed class RecoveryTests : IDisposable
{
    private static readonly Recipe Compressed = TinyRun.Recipe with
    {
        Model = TinyRun.Recipe.Model with
        {
            Attention = TinyRun.Recipe.Model.Attention with
            {
                Variant = AttentionVariant.MeaNoNorm,
                KeyComponents = 1,
                ValueComponents = 1,
            },
        },
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_parameter_of_every_variant_belongs_to_a_part()
    {
        foreach (var variant in Enum.GetValues<AttentionVariant>())
        {
            using var model = new LanguageModel(TinyRun.With(variant).Model);
            Assert.DoesNotContain(model.Parameters, p => TrainableParts.Of(p) == TrainablePart.All);
        }
    }

    [Theory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    public void What_is_not_trained_stays_bit_for_bit_and_has_no_optimizer_state(string dtype)
    {
        var start = Save(Compressed, seed: 3, "start");
        var recipe = Compressed with
        {
            Training = Compressed.Training with
            {
                Trainable = [TrainablePart.Keys, TrainablePart.Values, TrainablePart.Mixes],
                Dtype = dtype,
                WeightDecay = 0.5,
                ActivationCheckpointing = true,
            },
        };
        var result = TinyRun.Trainer(recipe, new RunOptions { Folder = _folder.File("run"), From = start }).Run();
        var (before, after) = (Weights(start), Weights(result.Model!));
        var trained = before.Keys.Where(n => n.Contains("k_proj") || n.Contains("v_proj") || n.EndsWith("_mix"))
            .ToHashSet();
        Assert.Equal(2 * 4, trained.Count);
        Assert.All(before, w => Assert.Equal(trained.Contains(w.Key), !w.Value.AsSpan().SequenceEqual(after[w.Key])));
        using var moments = SafetensorsReader.Open(Path.Combine(result.Checkpoint!, "optimizer.safetensors"));
        Assert.Equal(2 * trained.Count, moments.Tensors.Count);
    }

    [Fact]
    public void Parts_that_the_model_lacks_are_refused()
    {
        var error = Assert.Throws<CrossheadException>(() =>
            TinyRun.Trainer(TinyRun.Change(t => t with { Trainable = [TrainablePart.Mixes] }), new RunOptions()).Run());
        Assert.Contains("training.trainable (mixes) names nothing that this model has; it has embeddings, queries, "
            + "keys, values, output, mlp, norms", error.Message);
    }

    [Fact]
    public void A_student_comes_closer_to_its_teacher_which_stays_as_it_is()
    {
        var teacher = TrainedTeacher();
        var before = Weights(teacher);
        var recipe = Distilling(Compressed, teacher,
            new DistillationOptions { HiddenWeight = 0.5, Temperature = 2 }) with
        {
            Name = "student",
        };
        recipe = recipe with { Training = recipe.Training with { Steps = 80, LearningRate = 1e-2 } };
        var progress = new Progress();
        var curve = new List<CurvePoint>();
        var result = TinyRun.Trainer(recipe,
            new RunOptions { Folder = _folder.File("student"), OnEvaluation = curve.Add }).Run(progress);
        Assert.True(progress.Steps[^1].Loss < 0.3 * progress.Steps[0].Loss,
            $"{progress.Steps[0].Loss} → {progress.Steps[^1].Loss}");
        Assert.Equal(before, Weights(teacher));

        // What is reported of held-out text is the cross-entropy, not the divergence.
        using var model = ModelDirectory.Load(result.Model!);
        Assert.Equal(HeldOut.Of(model, new MadeUpData(recipe), recipe.Training.EvalBatches,
            Crosshead.Runtime.Distributed.Alone.Instance, default).Loss!.Value, result.HeldOutLoss!.Value, 6);
    }

    [Fact]
    public void The_error_of_hidden_states_is_relative_to_the_teachers()
    {
        using var scope = NewDisposeScope();
        var recipe = TinyRun.With(AttentionVariant.Gqa, "float64");
        using var student = TinyRun.Model(recipe, ScalarType.Float64);
        var original = TinyRun.Model(recipe with { Training = recipe.Training with { Seed = 9 } }, ScalarType.Float64);
        var batch = new MadeUpData(recipe).Next(CPU);
        double mean;
        using (no_grad())
        {
            var known = original.Hidden(batch.Tokens);
            mean = ((student.Hidden(batch.Tokens) - known).square().mean() / known.square().mean()).item<double>();
        }
        using var distillation = new Distillation(new DistillationOptions { Weight = 0, HiddenWeight = 2 }, original);
        var loss = distillation.Loss(student, batch).item<double>();
        Assert.Equal((2 * mean) + student.Loss(batch.Tokens, batch.Targets).item<double>(), loss, 10);
    }

    [Theory]
    [InlineData(0.8, null)]
    [InlineData(null, 0.8)]
    [InlineData(0.8, 1.2)]
    public void Capped_logits_are_compared_with_their_caps(double? cap, double? teacherCap)
    {
        using var scope = NewDisposeScope();
        var recipe = TinyRun.With(AttentionVariant.Gqa, "float64");
        Recipe Capped(double? most, int seed) => recipe with
        {
            Model = recipe.Model with { Block = recipe.Model.Block with { LogitCap = most } },
            Training = recipe.Training with { Seed = seed },
        };
        using var student = TinyRun.Model(Capped(cap, 1), ScalarType.Float64);
        var original = TinyRun.Model(Capped(teacherCap, 9), ScalarType.Float64);
        var batch = new MadeUpData(recipe).Next(CPU);
        double wanted;
        using (no_grad())
        {
            Tensor p = student.Logits(batch.Tokens).log_softmax(-1), q = original.Logits(batch.Tokens).log_softmax(-1);
            wanted = (q.exp() * (q - p)).sum(-1).mean().item<double>();
        }
        using var distillation = new Distillation(new DistillationOptions { Weight = 1, Temperature = 1 }, original);
        Assert.Equal(wanted, distillation.Loss(student, batch).item<double>(), 10);
    }

    [Fact]
    public void Distilling_steps_leave_no_tensors_behind()
    {
        using var student = TinyRun.Model(Compressed, ScalarType.Float32);
        using var distillation = new Distillation(new DistillationOptions { HiddenWeight = 1 },
            TinyRun.Model(TinyRun.Recipe, ScalarType.Float32));
        using var optimizer = TinyRun.Optimizer(student, Compressed.Training);
        var (step, data) = (new TrainingStep(student, optimizer, 1, distillation), new MadeUpData(Compressed));
        TensorLeaks.None(() => step.Run([data.Next(CPU), data.Next(CPU)], 1e-3));
    }

    [Theory]
    [InlineData("float32")]
    [InlineData("bfloat16")]
    public void An_interrupted_recovery_goes_on_bit_for_bit(string dtype)
    {
        var (teacher, start) = (Save(TinyRun.Recipe, 1, "teacher"), Save(Compressed, 2, "start"));
        var recipe = Distilling(Compressed, teacher, new DistillationOptions { Weight = 0.7 });
        recipe = recipe with
        {
            Training = recipe.Training with
            {
                Dtype = dtype,
                Trainable = [TrainablePart.Keys, TrainablePart.Mixes, TrainablePart.Norms],
            },
        };
        TinyRun.Trainer(recipe, new RunOptions { Folder = _folder.File("whole"), From = start }).Run();

        var options = new RunOptions { Folder = _folder.File("parts") };
        using (var stop = new CancellationTokenSource())
            TinyRun.Trainer(recipe, options with { From = start })
                .Run(new Progress(p => { if (p.Step == 5) stop.Cancel(); }), stop.Token);
        Directory.Delete(start, recursive: true); // not needed any more
        TinyRun.Trainer(recipe, options with { Resume = true }).Run();
        Assert.Equal(File.ReadAllBytes(_folder.File("whole/model.safetensors")),
            File.ReadAllBytes(_folder.File("parts/model.safetensors")));
    }

    [Fact]
    public void A_resumed_run_needs_the_same_teacher_wherever_it_lies()
    {
        var teacher = Save(TinyRun.Recipe, 1, "teacher");
        var options = new RunOptions { Folder = _folder.File("run") };
        var recipe = Distilling(TinyRun.Recipe, teacher, new DistillationOptions());
        using (var stop = new CancellationTokenSource())
            TinyRun.Trainer(recipe, options).Run(new Progress(p => { if (p.Step == 5) stop.Cancel(); }), stop.Token);
        var other = Distilling(recipe, Save(TinyRun.Recipe, 7, "other"), new DistillationOptions());
        Assert.Contains("is not the one of checkpoint step 5", Assert.Throws<CrossheadException>(
            () => TinyRun.Trainer(other, options with { Resume = true }).Run()).Message);
        Directory.Move(teacher, _folder.File("moved"));
        Assert.Equal(12, TinyRun.Trainer(Distilling(recipe, _folder.File("moved"), new DistillationOptions()),
            options with { Resume = true }).Run().Step);
    }

    [Fact]
    public void A_teacher_that_does_not_fit_is_refused()
    {
        string Refused(string teacher, DistillationOptions options) =>
            Assert.ThrowsAny<CrossheadException>(
            () => TinyRun.Trainer(Distilling(TinyRun.Recipe, teacher, options), new RunOptions()).Run()).Message;
        Recipe With(Func<ModelOptions, ModelOptions> change) =>
            TinyRun.Recipe with { Model = change(TinyRun.Recipe.Model) };
        Assert.Contains("training.distillation has no teacher; name the original", Refused("", new()));
        Assert.Contains("is no model directory", Refused(_folder.File("nowhere"), new()));
        Assert.Contains("knows 40 tokens, the model 32",
            Refused(Save(With(m => m with { VocabularySize = 40 }), 1, "vocabulary"), new()));
        Assert.Contains("has a context of 8 tokens, training sequences have 16",
            Refused(Save(With(m => m with { Context = 8 }), 1, "context"), new()));
        Assert.Contains("needs hidden states of one width, but the teacher's have 32, the model's 16",
            Refused(Save(With(m => m with { HiddenSize = 32 }), 1, "width"), new() { HiddenWeight = 1 }));
        var tokens = Save(TinyRun.Recipe, 1, "tokenizer");
        BpeTrainer.Train(["one two three", "four five six"], new BpeTrainerOptions { VocabularySize = 260 })
            .Save(tokens);
        Assert.Contains("is not the tokenizer that the data were made with", Refused(tokens, new()));
    }

    private string TrainedTeacher()
    {
        var recipe = TinyRun.Change(t => t with { Steps = 60, LearningRate = 1e-2, EvalEvery = 0 });
        return TinyRun.Trainer(recipe, new RunOptions { Folder = _folder.File("teacher"), Checkpoints = false })
            .Run().Model!;
    }

    private string Save(Recipe recipe, long seed, string name)
    {
        using var model = new LanguageModel(recipe.Model);
        model.Initialize(seed);
        ModelDirectory.Save(_folder.File(name), model);
        return _folder.File(name);
    }

    private static Recipe Distilling(Recipe recipe, string teacher, DistillationOptions options) =>
        recipe with { Training = recipe.Training with { Distillation = options with { Teacher = teacher } } };

    private static Dictionary<string, byte[]> Weights(string folder)
    {
        using var scope = NewDisposeScope();
        using var file = SafetensorsReader.Open(Path.Combine(folder, ModelFileNames.Weights));
        return file.Tensors.Keys.ToDictionary(name => name, name => file.Read(name).bytes.ToArray());
    }
}
