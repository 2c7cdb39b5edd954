using DistFS.Linearizability;
using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>
/// What all clients asked and saw of directories that nobody removes, in groups: names move inside of a group only, so
/// that each is checked by itself.
/// </summary>
public sealed class NamespaceHistory
{
    // Enough for the hardest history that the world's sizes allow.
    private const long StepsMax = 3_000_000;

    private readonly HistoryRecorder<Keyed<int, NamespaceInput>, NamespaceOutput> _recorder = new();

    // Every call and answer has a stamp of its own, so none overlap that did not.
    private long _stamp;
    private long _calls;

    /// <summary>Operations that were begun.</summary>
    public int Count => _recorder.Count;

    /// <summary>A client is about to ask; several operations of one request are as many clients.</summary>
    public OpenOperation<Keyed<int, NamespaceInput>, NamespaceOutput> Invoke(int group, NamespaceInput input) =>
        _recorder.Invoke(++_calls, new Keyed<int, NamespaceInput>(group, input), ++_stamp);

    /// <summary>A client saw an answer.</summary>
    public void Return(OpenOperation<Keyed<int, NamespaceInput>, NamespaceOutput> open, NamespaceOutput output)
    {
        ArgumentNullException.ThrowIfNull(open);
        open.Return(output, ++_stamp);
    }

    /// <summary>Fails the seed unless everything that was seen has an order.</summary>
    public void MustBeLinearizable()
    {
        var result = LinearizabilityChecker.Check(
            new KeyedModel<int, NamespaceState, NamespaceInput, NamespaceOutput>(new NamespaceModel()),
            _recorder.ToHistory(),
            new CheckerOptions { StepsMax = StepsMax });
        if (!result.IsLinearizable)
        {
            throw new InvariantException(
                "linearizable", $"names: {result.Verdict} after {result.Steps} steps\n{result}");
        }
    }

    /// <summary>What a reply says in the words of the model.</summary>
    /// <exception cref="InvariantException">The operation cannot end so.</exception>
    public static NamespaceOutput OutputOf(NamespaceInput input, int status, ulong inode, int links = 0) =>
        (FsStatus)status switch
        {
            FsStatus.Ok when input.Kind is NamespaceInputKind.CreateExclusive or NamespaceInputKind.Lookup =>
                NamespaceOutput.File((long)inode, links),
            FsStatus.Ok => NamespaceOutput.Ok,
            FsStatus.NotFound => NamespaceOutput.NotFound,
            FsStatus.AlreadyExists => NamespaceOutput.AlreadyExists,
            var other => throw new InvariantException("names can be used", $"{input} ends with {other}"),
        };
}
