//! One layer to be: its key, known before any work, and how to make it.

use super::super::error::FunctionError;
use super::workshop::Workshop;
use crate::oci::Layer;
use crate::packages::Package;
use crate::tree::Tree;

/// The files of a layer and the Debian packages they came from.
pub(super) type Made = (Tree, Vec<Package>);

/// The work of a step, done at most once.
type Make<'j> = Box<dyn FnOnce(&Workshop<'_>) -> Result<Made, FunctionError> + 'j>;

/// A layer of an image.
pub(super) struct Step<'j> {
    /// A hash of everything the layer is made from.
    pub key: String,
    title: String,
    make: Make<'j>,
}

impl<'j> Step<'j> {
    /// The layer that `make` makes; `title` is for the image's history.
    pub fn new(
        key: String,
        title: impl Into<String>,
        make: impl FnOnce(&Workshop<'_>) -> Result<Made, FunctionError> + 'j,
    ) -> Self {
        Self { key, title: title.into(), make: Box::new(make) }
    }

    /// The finished layer, from the store if it is there.
    pub fn layer(self, workshop: &Workshop<'_>) -> Result<Layer, FunctionError> {
        if let Some(layer) = workshop.store().layer(&self.key) {
            return Ok(layer);
        }
        let (tree, packages) = (self.make)(workshop)?;
        Ok(workshop.store().put_layer(&self.key, &self.title, packages, &tree)?)
    }
}
