using Crosshead.Model;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Recipes;
using Crosshead.Training.Steps;

namespace Crosshead.Training.Sharding;

/// <summary>Shares out the training of a model.</summary>
public static class ShardedTraining
{
    /// <summary>The ranks that train a model.</summary>
    /// <param name="model">The model, best before it gets its starting weights. With several ranks, its trained
    /// parameters lie elsewhere from now on, matrices and embeddings in the precision of the computation.</param>
    /// <param name="groups">What is trained.</param>
    /// <param name="training">How.</param>
    /// <param name="communicator">The ranks; it must live longer.</param>
    public static DataParallel Between(LanguageModel model, IReadOnlyList<ParameterGroup> groups,
        TrainingOptions training, ICommunicator communicator)
    {
        ArgumentNullException.ThrowIfNull(communicator);
        return communicator.Ranks == 1 ? new OneRank(model, groups)
            : new SeveralRanks(model, groups, training, communicator);
    }
}
