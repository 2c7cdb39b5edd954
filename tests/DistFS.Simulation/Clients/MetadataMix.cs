using DistFS.Metadata.Chunks;
using DistFS.Metadata.Rows;
using DistFS.Primitives;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Simulation;

/// <summary>
/// Operations at random, in few directories under few names, so that they meet: most of them are done, and the others
/// are refused for every reason there is.
/// </summary>
public sealed partial class MetadataMix(MetadataPlaces places, Prng prng)
{
    private const int NamesMax = 4;
    private const int HandlesMax = 3;
    private const int UsersMax = 3;

    /// <summary>One operation, or some that belong together.</summary>
    public IEnumerable<Operation> Draw() => prng.NextInt32(24) switch
    {
        < 8 => [OfNames()],
        < 10 => [OfAttributes()],
        < 11 => [OfQuota()],
        < 13 => [OfOpens()],
        < 15 => [OfLocks()],
        < 16 => prng.Chance(0.6) ? Together() : ThrownAway(),
        _ => [OfContent()],
    };

    /// <summary>Somebody, mostly root.</summary>
    private Caller Somebody() => prng.Chance(0.8)
        ? new Caller()
        : new Caller { Uid = 1000 + (uint)prng.NextInt32(UsersMax), Gid = 100, Groups = { 100 } };

    private ulong Any() => places.Any(prng);

    private ulong Directory() => places.AnyDirectory(prng);

    private ByteString Name() => MetadataPlaces.Bytes($"n{prng.NextInt32(NamesMax)}");

    private OpenHandle Handle() => new()
    {
        Handle = 1 + (ulong)prng.NextInt32(HandlesMax),
        Access = (uint)(1 + prng.NextInt32(7)),
    };

    private Operation OfNames()
    {
        var operation = new Operation { Caller = Somebody() };
        switch (prng.NextInt32(10))
        {
            case 0 or 1 or 2:
                operation.Make = Make();
                break;
            case 3:
                operation.Link = new LinkRequest { Inode = places.AnyFile(prng), Parent = Directory(), Name = Name() };
                break;
            case 4:
                operation.Unlink = new UnlinkRequest { Parent = Directory(), Name = Name() };
                break;
            case 5:
                operation.RemoveDirectory = new RemoveDirectoryRequest { Parent = Directory(), Name = Name() };
                break;
            case 9:
                OfTrash(operation);
                break;
            default:
                operation.Rename = new RenameRequest
                {
                    FromParent = Directory(),
                    FromName = Name(),
                    ToParent = Directory(),
                    ToName = Name(),
                    Exchange = prng.Chance(0.25),
                };
                operation.Rename.NoReplace = !operation.Rename.Exchange && prng.Chance(0.2);
                break;
        }

        return operation;
    }

    private MakeRequest Make()
    {
        var kind = prng.NextInt32(8) switch
        {
            < 3 => InodeKind.Directory,
            3 => InodeKind.SymbolicLink,
            4 => InodeKind.Fifo,
            _ => InodeKind.File,
        };
        return new MakeRequest
        {
            Parent = Directory(),
            Name = Name(),
            Kind = (uint)kind,
            Mode = prng.Chance(0.9) ? 0b111_111_111u : 0b110_100_000,
            Umask = prng.Chance(0.5) ? 0b010_010u : 0,
            Target = kind == InodeKind.SymbolicLink ? MetadataPlaces.Bytes("elsewhere") : ByteString.Empty,
            OrExisting = kind == InodeKind.File && prng.Chance(0.3),
            Open = kind == InodeKind.File && prng.Chance(0.4) ? Handle() : null,
        };
    }

    private Operation OfAttributes()
    {
        var operation = new Operation { Caller = Somebody() };
        var name = MetadataPlaces.Bytes($"user.x{prng.NextInt32(3)}");
        switch (prng.NextInt32(6))
        {
            case 4:
                operation.SetGoal = new SetGoalRequest
                {
                    Inode = Any(),
                    Replicas = (uint)prng.NextInt32(4),
                    AnyRack = prng.Chance(0.3),
                };
                break;
            case 5:
                operation.ReserveInodes = new ReserveInodesRequest { Count = 64 };
                break;
            case 0:
                operation.SetXattr = new SetXattrRequest
                {
                    Inode = Any(),
                    Name = name,
                    Value = ByteString.CopyFrom(new byte[prng.NextInt32(100)]),
                    Create = prng.Chance(0.2),
                };
                break;
            case 1:
                operation.RemoveXattr = new RemoveXattrRequest { Inode = Any(), Name = name };
                break;
            default:
                operation.SetAttributes = new SetAttributesRequest
                {
                    Inode = Any(),
                    ModifyTime = new SetAttributesRequest.Types.NewTime { Now = true },
                };
                if (prng.Chance(0.4))
                {
                    operation.SetAttributes.Mode = 0b111_111_111u;
                }

                if (prng.Chance(0.3))
                {
                    operation.SetAttributes.Uid = 1000 + (uint)prng.NextInt32(UsersMax);
                }

                break;
        }

        return operation;
    }

    private Operation OfQuota() => new()
    {
        Caller = new Caller(),
        SetQuota = prng.Chance(0.7)
            ? new SetQuotaRequest
            {
                Inode = Directory(),
                InodesMax = prng.Chance(0.5) ? 0 : (ulong)prng.NextInt32(1, 30),
                BytesMax = prng.Chance(0.7) ? 0 : (ulong)prng.NextInt32(1, 5_000),
            }
            : new SetQuotaRequest { Inode = Directory(), Clear = true },
    };

    private Operation OfOpens() => prng.Chance(0.6)
        ? new Operation
        {
            Caller = Somebody(),
            Open = new OpenRequest { Inode = places.AnyFile(prng), Open = Handle() },
        }
        : new Operation
        {
            Caller = Somebody(),
            Release = new ReleaseRequest { Inode = places.AnyFile(prng), Handle = Handle().Handle },
        };

    /// <summary>Something is opened if need be, and locked.</summary>
    private Operation OfLocks()
    {
        var kind = 1 + (uint)prng.NextInt32(2);
        var handle = Handle().Handle;
        return new Operation
        {
            Caller = new Caller(),
            Lock = new LockRequest
            {
                Inode = places.AnyFile(prng),
                Handle = handle,
                Action = (LockRequest.Types.Action)prng.NextInt32(4),
                Kind = kind,
                Owner = kind == 1 ? handle : 1 + (ulong)prng.NextInt32(2),
                Exclusive = prng.Chance(0.5),
                First = kind == 1 ? 0 : (ulong)prng.NextInt32(4) * 100,
                Length = kind == 1 ? 0 : (ulong)prng.NextInt32(3) * 100,
                Number = 1 + (ulong)prng.NextInt32(3),
            },
        };
    }

    /// <summary>A small file is made, written, locked and closed in one request: each names what the first made.
    /// </summary>
    private List<Operation> Together()
    {
        var told = InodeId.ToldBy(0).Value;
        var open = new OpenHandle { Handle = 1 + (ulong)prng.NextInt32(HandlesMax), Access = 6 };
        var made = new MakeRequest
        {
            Parent = Directory(),
            Name = Name(),
            Kind = (uint)InodeKind.File,
            Mode = 0b110_110_110,
            OrExisting = prng.Chance(0.7),
            Open = open,
        };
        var operations = new List<Operation>
        {
            new() { Caller = new Caller(), Make = made },
            new() { Caller = new Caller(), WriteInline = Inline(told) },
            new()
            {
                Caller = new Caller(),
                Lock = new LockRequest
                {
                    Inode = told,
                    Handle = open.Handle,
                    Action = LockRequest.Types.Action.Wait,
                    Kind = 1,
                    Owner = open.Handle,
                    Exclusive = prng.Chance(0.5),
                    Number = 9,
                },
            },
        };
        if (prng.Chance(0.4))
        {
            operations.Add(new()
            {
                Caller = new Caller(),
                Release = new ReleaseRequest { Inode = told, Handle = open.Handle },
            });
        }

        return operations;
    }

    private WriteInlineRequest Inline(ulong inode) => new()
    {
        Inode = inode,
        Offset = (ulong)prng.NextInt32(100),
        Data = ByteString.CopyFrom(new byte[1 + prng.NextInt32(200)]),
    };

    private ulong Offset() =>
        ((ulong)prng.NextInt32(PlacesMax) * ChunkLayout.ChunkBytes)
        + (prng.Chance(0.5) ? 0 : (ulong)prng.NextInt32(600));
}
