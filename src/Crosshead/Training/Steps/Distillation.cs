using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Kernels.HeadLosses;
using Crosshead.Layers;
using Crosshead.Model;
using Crosshead.Training.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Training.Steps;

/// <summary>
/// The loss of a student that learns to agree with a teacher. The teacher's results are used at once and not stored.
/// </summary>
public sealed class Distillation : IDisposable
{
    private readonly DistillationOptions _options;
    private readonly LanguageModel _teacher;

    /// <summary>Takes ownership of a teacher, which is frozen and disposed with this object.</summary>
    /// <param name="options">The parts of the loss.</param>
    /// <param name="teacher">The teacher, in the precision that the student computes in.</param>
    public Distillation(DistillationOptions options, LanguageModel teacher)
    {
        (_options, _teacher) = (options, teacher);
        teacher.Freeze(teacher.ComputeType);
    }

    /// <summary>Loads the teacher that the options name.</summary>
    /// <param name="options">The parts of the loss.</param>
    /// <param name="student">The model to be trained.</param>
    /// <exception cref="CrossheadException">The teacher cannot be loaded, knows another vocabulary, or a shorter
    /// context than <paramref name="context"/>.</exception>
    /// <param name="context">Tokens of a training sequence.</param>
    public static Distillation Load(DistillationOptions options, LanguageModel student, int context)
    {
        Require(options, student.Options, context);
        return new Distillation(options, ModelDirectory.Load(options.Teacher, student.ComputeType, student.Device));
    }

    /// <summary>Checks by headers that a teacher fits a model of a given shape.</summary>
    /// <exception cref="CrossheadException">The teacher is missing or damaged, knows another vocabulary, or has a
    /// shorter context.</exception>
    internal static void Require(DistillationOptions options, ModelOptions student, int context)
    {
        var config = Path.Combine(options.Teacher, ModelFileNames.Configuration);
        if (!File.Exists(config) && !File.Exists(options.Teacher))
            throw new CrossheadException($"training.distillation.teacher \"{options.Teacher}\" is no model directory; "
                + $"name a folder that holds {ModelFileNames.Configuration} and {ModelFileNames.Weights}, or a GGUF "
                + "file.");
        var shape = ModelDirectory.Check(options.Teacher).Options;
        if (shape.VocabularySize != student.VocabularySize)
            throw new CrossheadException($"the teacher \"{options.Teacher}\" knows {shape.VocabularySize} tokens, the "
                + $"model {student.VocabularySize}; distillation needs one vocabulary: use a teacher with the "
                + $"model's tokenizer.");
        if (shape.Context < context)
            throw new CrossheadException($"the teacher \"{options.Teacher}\" has a context of {shape.Context} tokens, "
                + $"training sequences have {context}; set data.context to at most {shape.Context}.");
        if (options.HiddenWeight > 0 && shape.HiddenSize != student.HiddenSize)
            throw new CrossheadException(
                $"training.distillation.hiddenWeight ({options.HiddenWeight}) needs hidden states of one width, but "
                + $"the teacher's have {shape.HiddenSize}, the model's {student.HiddenSize}; set it to 0.");
    }

    /// <summary>The mean loss, a scalar in at least float32; gradients flow only to the student.</summary>
    /// <param name="student">The model to be trained.</param>
    /// <param name="batch">Tokens and targets.</param>
    public Tensor Loss(LanguageModel student, TokenBatch batch)
    {
        Tensor known;
        using (no_grad())
        using (NewDisposeScope())
            known = Rows(_teacher, batch).MoveToOuterDisposeScope();                   // [T,D']
        var hidden = Rows(student, batch);                                             // [T,D]
        var terms = new DistillationTerms(_options.Weight, 1 - _options.Weight, _options.Temperature)
        {
            Cap = student.Options.Block.LogitCap,
            TeacherCap = _teacher.Options.Block.LogitCap,
        };
        var head = Head(student);
        var loss = LinearDistillation.Apply(hidden, head.Value, known, Head(_teacher).Value,
            batch.Targets.reshape(-1), terms, head.GradientLeaf);
        return _options.HiddenWeight > 0 ? loss + HiddenError(hidden, known, loss.dtype) : loss;
    }

    /// <inheritdoc/>
    public void Dispose() => _teacher.Dispose();

    private Tensor HiddenError(Tensor hidden, Tensor known, ScalarType type)
    {
        using Scalar weight = _options.HiddenWeight;
        known = known.to(type);
        return (hidden.to(type) - known).square().mean().div(known.square().mean()).mul(weight);
    }

    private static Tensor Rows(LanguageModel model, TokenBatch batch) =>
        model.Hidden(batch.Tokens).reshape(-1, model.Options.HiddenSize);

    private static Parameter Head(LanguageModel model) => model.Parameters.Last(p => p.Kind == ParameterKind.Embedding);
}
