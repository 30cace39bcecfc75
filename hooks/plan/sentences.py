"""The words of a plan: what each obstacle means for a person, and what to do. Nowhere else are such sentences made."""

from __future__ import annotations

from hooks.plan import obstacles as o
from hooks.plan.bricks import listed
from hooks.plan.differences import Answer, Difference, Names
from hooks.plan.model import Note, Refusal, Wait
from hooks.text import joined, plural
from hooks.values.model import TLS_OPTIONS

Text = tuple[str, str]
"""What is so, and what to do about it."""


def refusal(obstacle: Difference) -> Refusal:
    return Refusal(obstacle.kind, *words(obstacle), obstacle.node, obstacle.volume)


def wait(obstacle: Difference) -> Wait:
    return Wait(obstacle.kind, *words(obstacle), obstacle.node, obstacle.volume)


def note(obstacle: Difference) -> Note:
    """What only has to be told; of what would be a refusal or a wait, that it is so before anything is changed."""
    what, remedy = words(obstacle)
    if obstacle.answer is not Answer.NOTE:
        what = f"Before anything is changed: {what}"
    return Note(obstacle.kind, what, remedy, obstacle.node, obstacle.volume)


def words(obstacle: Difference) -> Text:
    """What is so and what to do about it. Raises KeyError for a kind that has no words."""
    for area in (_peers, _rebuild, _folders, _volumes, _removals, _upgrade):
        if text := area(obstacle):
            return text
    raise KeyError(obstacle.kind)


def _peers(obstacle: Difference) -> Text | None:
    match obstacle:
        case o.WrongAddress(node=node, address=address, own=own, found=found, found_node=other):
            return (
                f"{node}: its address {address} leads to another glusterd ({other or 'none of these nodes'}, UUID "
                f"{found}) than its own (UUID {own}).",
                "Correct `address`.",
            )
        case o.StateLost(node=node, address=address, known=known, now=now):
            return (
                f"{node} ({address}) was in the pool as peer {known}, but its glusterd now is {now}: its state folder "
                "was lost or exchanged.",
                "Bring the old state folder back, or have the peer rebuilt from the others: give its entry in `nodes` "
                "a `rebuild` word that it did not have before. Nothing was changed.",
            )
        case o.UuidTwice(nodes=nodes, uuid=uuid):
            return (
                f"{joined(nodes)} have the same UUID {uuid} and each has peers or volumes: a state folder was copied "
                "from one node to the other.",
                "Empty the state folder of the copy and delete its pod.",
            )
        case o.ForeignPool(node=node, address=address, reference=reference):
            return (
                f"{node} ({address}) already has {_belongings(obstacle.volumes, obstacle.peers)} that the pool of "
                f"{reference} does not know. Two pools cannot be joined:",
                "empty its state folder if that pool is not needed any more, or take the node out of `nodes`.",
            )
        case o.PeerUnhealthy(node=node, seen_by=seen_by, state=state):
            return (
                f"{node} is not a healthy peer as {seen_by} sees it ({state}).",
                "Nothing is changed while a peer is away: bring it back first.",
            )
        case o.PeerUnlisted(address=address):
            return f"{address} is a peer of the pool but not in `nodes`: kept as it is.", ""
    return None


def _rebuild(obstacle: Difference) -> Text | None:
    match obstacle:
        case o.IdentityTaken(node=node, address=address, uuid=uuid, volumes=volumes, peers=peers):
            return (
                f"{node} ({address}) cannot be rebuilt as peer {uuid}: its glusterd has {_belongings(volumes, peers)} "
                "that the pool does not know.",
                "Empty its state folder if they are not needed, and delete its pod.",
            )
        case o.VolumesPending(node=node):
            return f"{node} has not taken over every volume from the other peers yet.", ""
        case o.BrickLostForGood(volume=name, brick=brick):
            return (
                f"{brick}: the brick of {name} is lost, and {name} is distributed: nobody else has its files.",
                "Put them back from a backup with the folder's volume-id, or delete the volume.",
            )
        case o.BrickLostInBrokenSet(volume=name, brick=brick, offline=offline):
            return (
                f"{brick}: the brick of {name} is lost, and {listed(offline)} of its set is offline.",
                "It is filled from the others: bring them back first, as deleting their peers' pods may do.",
            )
        case o.BrickUnproven(volume=name, brick=brick):
            return (
                f"{brick}: the brick of {name} is offline and its folder does not show that volume's id: its disk is "
                "probably not mounted.",
                "Mount it, then delete the peer's pod. If the data is lost for good, give the node's entry in `nodes` "
                "a new `rebuild` word: the brick is filled from the others.",
            )
    return None


def _folders(obstacle: Difference) -> Text | None:
    match obstacle:
        case o.BrickDirectoryMissing(volume=name, brick=brick, directory=directory):
            return f"{brick} (volume {name}): the brick directory {directory} is not on the node.", "Make and mount it."
        case o.BrickOnRootDisk(volume=name, brick=brick, directory=directory):
            return (
                f"{brick} (volume {name}): {directory} lies on the node's root disk; a disk is probably not mounted.",
                "Mount it, or set `allowRootDiskBricks: true` if that is what you want.",
            )
        case o.FolderIsNone(volume=name, brick=brick):
            return f"{brick} (volume {name}): there is something that is no folder.", "Move it away."
        case o.FolderOfVolume(volume=name, brick=brick, owner=owner, volume_id=volume_id):
            what = f"the pool's volume {owner}" if owner else f"a volume this pool does not know (id {volume_id})"
            return (
                f"{brick} (volume {name}): the folder is a brick of {what} and is left untouched.",
                f"Bring that volume's pool back, or, if its data is not needed, move the folder away on {brick.node}.",
            )
        case o.FolderNotEmpty(volume=name, brick=brick):
            return (
                f"{brick} (volume {name}): the folder is not empty and no brick; its files are left untouched.",
                "Move them away, or choose another name.",
            )
    return None


def _volumes(obstacle: Difference) -> Text | None:
    match obstacle:
        case o.TypeDiffers(volume=name, live=live, asked=asked):
            return (
                f"The volume {name} is {live} in the pool, the values ask for {asked}: a volume's type stays.",
                "Put the old type back into values, or make a new volume and copy the data. (What can be changed: one "
                "copy more, or an arbiter for replica 2.)",
            )
        case o.ReplicaUnplaced(volume=name, asked=asked):
            return (
                f"The volume {name} cannot become {asked}: each of its sets needs a brick on a further node.",
                "Add a node, or put the old type back into values.",
            )
        case o.BricksUnlisted(volume=name, bricks=bricks):
            return (
                f"The volume {name} has bricks that values no longer give: {listed(bricks)}. Bricks are not moved or "
                "taken away by leaving them out:",
                "put their nodes and brick directories back into values.",
            )
        case o.TlsOff(volume=name):
            pairs = " ".join(f"{key} on" for key in TLS_OPTIONS)
            return (
                f"The volume {name} is started without TLS, and its bricks would go on in clear text until they are "
                "restarted.",
                f"When nobody uses it: `gluster volume stop {name}`, `gluster volume set {name} {pairs}`, `gluster "
                f"volume start {name}`.",
            )
        case o.BricksLeftOver(volume=name, bricks=bricks, set_size=size):
            return f"{name}: {listed(bricks)} left over, they make no whole set of {size}.", ""
        case o.SetsRegrouped(volume=name):
            return f"{name} keeps its sets of bricks as they are; values in this order would group them otherwise.", ""
        case o.VolumeUnlisted(volume=name):
            return f"The volume {name} is in the pool but not in `volumes`: kept as it is.", ""
    return None


def _removals(obstacle: Difference) -> Text | None:
    match obstacle:
        case o.VolumeGone(volume=name):
            return f"The volume {name} is not in the pool: its entry may be taken out of `volumes`.", ""
        case o.DeletionOutOfReach(volume=name, bricks=bricks):
            return (
                f"The volume {name} cannot be deleted with its data: {listed(bricks)} is on a peer that is not in "
                "`nodes`.",
                "List that node.",
            )
        case o.FoldersNotOfVolume(volume=name, bricks=bricks):
            return f"{name}: {listed(bricks)} does not show the volume's id; what is there now stays.", ""
        case o.DrainBlocked(volume=name, bricks=bricks):
            return (
                f"The volume {name} cannot leave {listed(bricks)}: no free brick on a node that its set does not use "
                "yet, and no other set takes its data.",
                "Add a node or a brick directory, or take `state: drained` back.",
            )
        case o.DrainHeld(volume=name, bricks=bricks):
            return (
                f"{listed(bricks)}: a brick of {name}, which is not in `volumes`, so that it is left alone:",
                "list the volume, or delete it.",
            )
        case o.ForeignRemoval(volume=name, places=places):
            return (
                f"The bricks {', '.join(places)} are being taken out of {name}, which the values do not ask for:",
                f"`gluster volume remove-brick {name} ... status` shows it; commit or stop it.",
            )
        case o.OldCopyKept(volume=name, bricks=bricks):
            return f"{name}: {listed(bricks)} keeps its old copy; remove it by hand when the node has left.", ""
        case o.SetUnavailable(node=node, volume=name, type=kind):
            return f"without {node} a part of the volume {name} ({kind}) is away.", ""
        case o.QuorumLost(node=node, volume=name, remaining=remaining, quorum=quorum):
            return (
                f"without {node} there are {remaining} peers, and the volume {name} stops below {quorum} "
                "(cluster.server-quorum-type).",
                "",
            )
    return None


def _upgrade(obstacle: Difference) -> Text | None:
    match obstacle:
        case o.NetworkChanged(made=made, asked=asked):
            return (
                f"The pool was made on {made}, the values ask for {asked}. It stays there, nothing was changed:",
                "put the old value back.",
            )
        case o.StatePathChanged(nodes=nodes, live=live, asked=asked):
            return (
                f"statePath is {asked}, but the pool's state lies in {live} on {joined(nodes)}. Its peers would come "
                "up without it, as new ones.",
                f"Put {live} back.",
            )
        case o.TlsChanged(asked=asked):
            has, wants = ("without", "true") if asked else ("with", "false")
            return (
                f"The pool runs {has} TLS, the values ask for `tls.enabled: {wants}`. All peers and clients would have "
                "to change at once, so an upgrade cannot do that:",
                f"set `tls.enabled: {'false' if asked else 'true'}` (the README says how a pool gets TLS later).",
            )
        case o.NodeRemoved(node=node, bricks=bricks, readable=readable):
            if not readable:
                why = "the pool cannot be asked whether it still needs that peer"
            else:
                why = f"its peer holds bricks of {joined(bricks)}" if bricks else "its peer is in the pool"
            return f"{node} was taken out of `nodes`, but {why}.", "Put it back."
        case o.NodesPending(nodes=nodes):
            return f"{', '.join(nodes)}: no peer runs there yet; its state and folders are looked at when it does.", ""
    return None


def _belongings(volumes: Names, peers: Names) -> str:
    """Volumes and peers that a peer knows."""
    parts = [f"the {plural(volumes, 'volume')} {joined(volumes)}"] if volumes else []
    parts += [f"the {plural(peers, 'peer')} {joined(peers)}"] if peers else []
    return " and ".join(parts)
