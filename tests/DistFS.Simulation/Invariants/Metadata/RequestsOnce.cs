using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Simulation;

/// <summary>
/// Each (session, sequence number) has its effects at one index only, and every repetition gets the first reply or is
/// refused as a whole (thesis, 6.3; docs/design/metadata.md, "Sessions").
/// </summary>
public sealed class RequestsOnce : MetadataInvariant, IExecutions
{
    private readonly Dictionary<(ClientId, SequenceNumber), (LogIndex Index, uint Reply)> _executed = [];

    /// <summary>Told of each request when it has its effects.</summary>
    public Action<ClientId, SequenceNumber, MutateReply>? Executed { get; set; }

    /// <inheritdoc/>
    public override string Name => "each request is executed at most once";

    /// <inheritdoc/>
    public override void OnEntry(MetadataEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Command.KindCase != MetadataCommand.KindOneofCase.Mutate)
        {
            return;
        }

        var name = (new ClientId(entry.Command.Client), new SequenceNumber(entry.Command.Sequence));
        var reply = Crc32C.Compute(entry.ReplyBytes);
        if (_executed.TryGetValue(name, out var first))
        {
            Must(
                !HasEffects(entry),
                $"{name.Item1}{name.Item2} has effects at {entry.Index} again after {first.Index}");
            Must(
                entry.Reply.Mutate == null || reply == first.Reply,
                $"{name.Item1}{name.Item2} is answered at {entry.Index} otherwise than at {first.Index}");
        }
        else if (entry.Reply.Mutate != null)
        {
            _executed[name] = (entry.Index, reply);
            Executed?.Invoke(name.Item1, name.Item2, entry.Reply.Mutate);
        }
        else
        {
            Must(!HasEffects(entry), $"{name.Item1}{name.Item2} is refused at {entry.Index}, and has effects");
        }
    }

    /// <inheritdoc/>
    public bool WasExecuted(ClientId client, SequenceNumber sequence, ReadOnlySpan<byte> reply) =>
        _executed.TryGetValue((client, sequence), out var first) && first.Reply == Crc32C.Compute(reply);

    /// <inheritdoc/>
    public LogIndex? IndexOf(ClientId client, SequenceNumber sequence) =>
        _executed.TryGetValue((client, sequence), out var first) ? first.Index : null;

    // That it was heard of is none, and that its replies are kept or forgotten.
    private static bool HasEffects(MetadataEntry entry) => entry.Changes.Any(static change => (RowTable)change.Key[0]
        is not (RowTable.Meta or RowTable.Session or RowTable.Reply)
        && !(change.Before ?? []).AsSpan().SequenceEqual(change.After));
}
