using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metaserver.State;

/// <summary>What was applied, to be read.</summary>
public interface IMetadataRows
{
    /// <summary>The last entry that was applied and published.</summary>
    LogIndex AppliedIndex { get; }

    /// <summary>Reads what was published, as of one moment, on the caller's thread.</summary>
    TResult Read<TArgument, TResult>(TArgument argument, Func<IOrderedStore, TArgument, TResult> read);
}
