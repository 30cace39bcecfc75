"""The CSI driver: volumes of the pool in compute pods.

Three programs out of one image. `node` answers the kubelet and binds directories into pods; `client` holds the FUSE
processes, so that `node` can be replaced under running pods; `controller` makes and deletes directories for claims.
"""
