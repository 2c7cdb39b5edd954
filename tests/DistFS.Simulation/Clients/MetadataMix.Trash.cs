using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <content>What is thrown away, and comes back or goes for good.</content>
public sealed partial class MetadataMix
{
    /// <summary>Whether removed names are kept, and what becomes of them.</summary>
    private void OfTrash(Operation operation)
    {
        switch (prng.NextInt32(4))
        {
            case 0:
                operation.SetRetention = new SetRetentionRequest
                {
                    Inode = Directory(),
                    Seconds = (ulong)prng.NextInt32(20),
                    Clear = prng.Chance(0.3),
                };
                break;
            case 1:
                operation.Purge = new PurgeRequest { Inode = Any() };
                break;
            default:
                // To somewhere of this mix: what comes back by itself does so behind the back of a history.
                operation.Restore = new RestoreRequest
                {
                    Inode = Any(),
                    Parent = Directory(),
                    Name = prng.Chance(0.5) ? Name() : ByteString.Empty,
                };
                break;
        }
    }

    /// <summary>Something is made where removed names are kept, and removed; and then this or that, or time does it.
    /// </summary>
    private List<Operation> ThrownAway()
    {
        var (made, kind) = (InodeId.ToldBy(1).Value, prng.Chance(0.3) ? InodeKind.Directory : InodeKind.File);
        var (parent, name) = (Directory(), Name());
        var operations = new List<Operation>
        {
            new()
            {
                Caller = new Caller(),
                SetRetention = new SetRetentionRequest { Inode = parent, Seconds = (ulong)prng.NextInt32(1, 20) },
            },
            new()
            {
                Caller = new Caller(),
                Make = new MakeRequest { Parent = parent, Name = name, Kind = (uint)kind, Mode = 0b111_101_000 },
            },
            kind == InodeKind.File
                ? new() { Caller = new Caller(), Unlink = new UnlinkRequest { Parent = parent, Name = name } }
                : new()
                {
                    Caller = new Caller(),
                    RemoveDirectory = new RemoveDirectoryRequest { Parent = parent, Name = name },
                },
        };
        if (prng.Chance(0.3))
        {
            operations.Add(new() { Caller = new Caller(), Purge = new PurgeRequest { Inode = made } });
        }
        else if (prng.Chance(0.5))
        {
            operations.Add(new()
            {
                Caller = new Caller(),
                Restore = new RestoreRequest { Inode = made, Parent = Directory(), Name = Name() },
            });
        }

        return operations;
    }
}
