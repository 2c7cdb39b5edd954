using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>What a client was told to be done was done, and is in every log when everything is quiet.</summary>
public sealed class AcknowledgedSurvives(Oracle oracle, IExecutions executed) : Invariant
{
    private readonly List<(ClientId Client, SequenceNumber Sequence)> _acknowledged = [];

    /// <inheritdoc/>
    public override string Name => "what was acknowledged survives";

    /// <inheritdoc/>
    public override void OnAcknowledged(ClientId client, SequenceNumber sequence, ReadOnlyMemory<byte> reply)
    {
        Must(
            executed.WasExecuted(client, sequence, reply.Span),
            $"{client}{sequence} was acknowledged with a reply that no execution gave");
        _acknowledged.Add((client, sequence));
    }

    /// <inheritdoc/>
    public override void OnEnd()
    {
        if (oracle.At(oracle.Commit) is not { } last)
        {
            return;
        }

        // Who has the last committed entry must have all before it; others may have been cut off since long.
        var members = oracle.Members.Where(member => member.DurableLog.Covers(last.Id)).ToArray();
        foreach (var (client, sequence) in _acknowledged)
        {
            var index = executed.IndexOf(client, sequence) ?? default;
            var committed = oracle.At(index);
            Must(committed != null, $"{client}{sequence} was acknowledged at {index}, which is not committed");
            foreach (var member in members)
            {
                Must(
                    member.DurableLog.Covers(committed.Id),
                    $"{client}{sequence}, acknowledged at {committed.Id}, is lost at {member}");
            }
        }
    }
}
