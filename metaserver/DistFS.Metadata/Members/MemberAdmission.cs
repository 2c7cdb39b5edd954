using System.Text;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Members;

/// <summary>
/// Metaservers are admitted and removed: here only what is to be. The leader brings the configuration of the log there,
/// whoever that is meanwhile, so that a change survives everybody who had a hand in it.
/// </summary>
internal static class MemberAdmission
{
    // So that adding one to an id cannot overflow.
    private const ulong IdMax = ulong.MaxValue / 2;

    /// <summary>
    /// A metaserver comes, or asks again. ESTALE: it was removed. EEXIST: another one has that address. ENOSPC: there
    /// are enough.
    /// </summary>
    public static FsStatus Admit(MemberTable members, AdmitMemberRequest request, MetadataReply reply)
    {
        var store = new StoreId(request.Store);
        if (store.Value == 0 || request.Least > IdMax || request.Address.Length == 0
            || Encoding.UTF8.GetByteCount(request.Address) > MemberRow.AddressBytesMax)
        {
            return FsStatus.Invalid;
        }

        var isKnown = members.TryFind(store, out var id);
        if (isKnown && members.TryGet(id, out var row) && row.IsRemoved)
        {
            return FsStatus.Stale;
        }

        var others = members.All.Where(other => !other.Row.IsRemoved && other.Id != id).ToList();
        if (others.Exists(other => other.Row.Address == request.Address))
        {
            return FsStatus.AlreadyExists;
        }

        if (!isKnown && others.Count >= MemberTable.MembersMax)
        {
            return FsStatus.NoSpace;
        }

        id = isKnown ? id : members.NextId(request.Least);
        members.Put(id, new MemberRow(store, request.Address, IsRemoved: false));
        reply.AdmitMember = new AdmitMemberReply { Member = id.Value };
        return FsStatus.Ok;
    }

    /// <summary>
    /// A metaserver goes, for ever; one of the first configuration may not be known here. EINVAL: it has another data
    /// folder.
    /// </summary>
    public static FsStatus Remove(MemberTable members, RemoveMemberRequest request)
    {
        var (id, store) = (new MemberId(request.Member), new StoreId(request.Store));
        var isKnown = members.TryGet(id, out var row);
        if (id.Value is 0 or > IdMax || store.Value == 0 || (isKnown && row.Store != store)
            || (!isKnown && members.TryFind(store, out _)))
        {
            return FsStatus.Invalid;
        }

        members.NotBelow(id.Value + 1);
        members.Put(id, new MemberRow(store, isKnown ? row.Address : "", IsRemoved: true));
        return FsStatus.Ok;
    }
}
