using DistFS.Linearizability;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation;

/// <summary>
/// What all clients asked and saw of directories that nobody removes, in groups: names move inside of a group only, so
/// that each is checked by itself.
/// </summary>
/// <remarks>
/// What a client never saw an answer to, the log decides: it has the change at one place, before everything that was
/// asked after it was applied, with the reply that was lost; or not at all. The checker would have to try every order
/// of every set of such changes, which is exponential, and would accept what the log contradicts.
/// </remarks>
public sealed class NamespaceHistory
{
    // Enough for the hardest history that the world's sizes allow.
    private const long StepsMax = 3_000_000;

    private readonly Dictionary<(ClientId, SequenceNumber), Request> _requests = [];

    private readonly HistoryRecorder<Keyed<int, NamespaceInput>, NamespaceOutput> _recorder = new();

    // Every call and answer has a stamp of its own, so none overlap that did not.
    private long _stamp;
    private long _calls;

    /// <summary>Operations that were begun.</summary>
    public int Count => _recorder.Count;

    /// <summary>Changes that no client saw an answer to, and that the log has.</summary>
    public int Decided { get; private set; }

    /// <summary>A client is about to ask; several operations of one request are as many clients.</summary>
    public OpenOperation<Keyed<int, NamespaceInput>, NamespaceOutput> Invoke(int group, NamespaceInput input) =>
        _recorder.Invoke(++_calls, new Keyed<int, NamespaceInput>(group, input), ++_stamp);

    /// <summary>A client is about to ask for changes, under this number.</summary>
    public void Invoke(
        int group, ClientId client, SequenceNumber sequence, IReadOnlyList<NamespaceInput> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        _requests.Add(
            (client, sequence), new Request([.. inputs.Select(input => (input, Invoke(group, input)))]));
    }

    /// <summary>The log has a request: what was asked after this must see it.</summary>
    public void Executed(ClientId client, SequenceNumber sequence, MutateReply reply)
    {
        if (_requests.TryGetValue((client, sequence), out var request))
        {
            (request.Reply, request.ExecutedAt) = (reply, ++_stamp);
        }
    }

    /// <summary>A client saw the answer to its changes.</summary>
    public void Return(ClientId client, SequenceNumber sequence, MutateReply reply)
    {
        ArgumentNullException.ThrowIfNull(reply);
        if (_requests.Remove((client, sequence), out var request))
        {
            request.Return(reply, ++_stamp);
        }
    }

    /// <summary>A client saw an answer.</summary>
    public void Return(OpenOperation<Keyed<int, NamespaceInput>, NamespaceOutput> open, NamespaceOutput output)
    {
        ArgumentNullException.ThrowIfNull(open);
        open.Return(output, ++_stamp);
    }

    /// <summary>Fails the seed unless everything that was seen has an order.</summary>
    public void MustBeLinearizable()
    {
        Decide();
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

    /// <summary>The world is over: what the log has not, has never been, and nobody looks any more.</summary>
    private void Decide()
    {
        foreach (var request in _requests.Values)
        {
            if (request.Reply is { } reply)
            {
                Decided++;
                request.Return(reply, request.ExecutedAt);
            }
            else
            {
                request.Fail();
            }
        }

        _requests.Clear();
    }

    private sealed class Request(
        (NamespaceInput Input, OpenOperation<Keyed<int, NamespaceInput>, NamespaceOutput> Open)[] operations)
    {
        /// <summary>What the log says; null: it has it not.</summary>
        public MutateReply? Reply { get; set; }

        public long ExecutedAt { get; set; }

        public void Return(MutateReply reply, long stamp)
        {
            for (var i = 0; i < operations.Length; i++)
            {
                var (input, open) = operations[i];
                var one = reply.Replies[i];
                open.Return(OutputOf(input, one.Status, one.Attributes?.Inode ?? 0), stamp);
            }
        }

        public void Fail() => Array.ForEach(operations, static operation => operation.Open.Failed());
    }
}
