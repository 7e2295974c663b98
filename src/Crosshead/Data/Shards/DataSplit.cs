namespace Crosshead.Data.Shards;

/// <summary>A part of a data set.</summary>
public enum DataSplit
{
    /// <summary>The tokens for training.</summary>
    Train,

    /// <summary>Documents kept aside to measure the loss on text the model has not seen.</summary>
    HeldOut,
}
