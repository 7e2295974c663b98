namespace Crosshead.Data.Recall;

/// <summary>Training texts of several recall tasks.</summary>
public static class RecallCorpus
{
    /// <summary>
    /// Writes texts one after the other. The task of each is drawn, and its size, between the least of the kind and
    /// that of the task; small sizes are as frequent as large ones (uniform in the logarithm).
    /// </summary>
    /// <param name="tasks">The tasks, with the largest sizes.</param>
    /// <param name="seed">Seed of the texts.</param>
    /// <param name="count">How many texts.</param>
    public static IEnumerable<RecallText> Write(IReadOnlyList<RecallTask> tasks, long seed, long count)
    {
        for (var number = 0L; number < count; number++)
        {
            var random = new RecallRandom(seed, RecallPurpose.Training, number);
            var task = random.OneOf(tasks);
            var size = task.Least * Math.Pow((double)task.Size / task.Least, random.Share());
            yield return task.At((int)Math.Round(size)).Write(random);
        }
    }
}
